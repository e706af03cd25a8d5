"""Turns messages of tenants and credentials into commands, and values into messages."""

from __future__ import annotations

from datetime import timedelta

from core.page import Page, PageRequest
from core.tenants.create_credential import NewCredential
from core.tenants.create_tenant import NewTenant
from core.tenants.credential import Credential, IssuedCredential
from core.tenants.list_credentials import CredentialQuery
from core.tenants.rotate_credential import DEFAULT_OVERLAP, Rotation
from core.tenants.tenant import Tenant
from howdah.tenants.v1 import tenants_pb2 as pb
from server.codec.common import timestamp


def new_tenant(request: pb.CreateTenantRequest) -> NewTenant:
    """Reads a command."""
    return NewTenant(request.tenant_id, request.display_name, request.time_zone, request.currency)


def tenant_id(request: pb.GetTenantRequest) -> str:
    """Reads the id that is all there is to the request."""
    return request.tenant_id


def tenant_page(request: pb.ListTenantsRequest) -> PageRequest:
    """Reads a query."""
    return PageRequest(request.page_size, request.page_token)


def new_credential(request: pb.CreateCredentialRequest) -> NewCredential:
    """Reads a command."""
    lifetime = None
    if request.HasField("lifetime"):
        lifetime = timedelta(seconds=request.lifetime.seconds)
    return NewCredential(
        tuple(request.tenant_ids), tuple(request.roles), request.description, lifetime
    )


def credential_query(request: pb.ListCredentialsRequest) -> CredentialQuery:
    """Reads a query."""
    return CredentialQuery(PageRequest(request.page_size, request.page_token), request.tenant_id)


def rotation(request: pb.RotateCredentialRequest) -> Rotation:
    """Reads a command."""
    overlap = DEFAULT_OVERLAP
    if request.HasField("overlap"):
        overlap = timedelta(seconds=request.overlap.seconds)
    return Rotation(request.key_id, overlap)


def key_id(request: pb.RevokeCredentialRequest) -> str:
    """Reads the id that is all there is to the request."""
    return request.key_id


def tenant(value: Tenant) -> pb.Tenant:
    """Writes a tenant."""
    return pb.Tenant(
        tenant_id=value.tenant_id,
        display_name=value.display_name,
        time_zone=value.time_zone,
        currency=value.currency,
        create_time=timestamp(value.created_at),
    )


def credential(value: Credential) -> pb.Credential:
    """Writes a credential."""
    return pb.Credential(
        key_id=value.key_id,
        description=value.description,
        tenant_ids=value.tenant_ids,
        roles=value.roles,
        create_time=timestamp(value.created_at),
        expire_time=timestamp(value.not_after),
        revoke_time=timestamp(value.revoked_at),
    )


def created_tenant(value: Tenant) -> pb.CreateTenantResponse:
    """Writes an answer."""
    return pb.CreateTenantResponse(tenant=tenant(value))


def found_tenant(value: Tenant) -> pb.GetTenantResponse:
    """Writes an answer."""
    return pb.GetTenantResponse(tenant=tenant(value))


def tenants(page: Page[Tenant]) -> pb.ListTenantsResponse:
    """Writes a page."""
    return pb.ListTenantsResponse(
        tenants=[tenant(item) for item in page.items], next_page_token=page.next_token
    )


def created_credential(value: IssuedCredential) -> pb.CreateCredentialResponse:
    """Writes an answer; it is the one place where the secret leaves the node."""
    return pb.CreateCredentialResponse(credential=credential(value.credential), secret=value.secret)


def credentials(page: Page[Credential]) -> pb.ListCredentialsResponse:
    """Writes a page."""
    return pb.ListCredentialsResponse(
        credentials=[credential(item) for item in page.items], next_page_token=page.next_token
    )


def rotated_credential(value: IssuedCredential) -> pb.RotateCredentialResponse:
    """Writes an answer, with the successor's secret."""
    assert value.replaced is not None
    return pb.RotateCredentialResponse(
        credential=credential(value.credential),
        secret=value.secret,
        replaced=credential(value.replaced),
    )


def revoked_credential(value: Credential) -> pb.RevokeCredentialResponse:
    """Writes an answer."""
    return pb.RevokeCredentialResponse(credential=credential(value))
