"""Answers the calls of TenantsService."""

from __future__ import annotations

from core.tenants.use_cases import Tenants
from howdah.tenants.v1 import tenants_pb2 as pb
from server.codec import tenants as codec
from server.service import Service, Unary


def tenants_service(tenants: Tenants) -> Service:
    """Returns the table of the service."""
    return Service(
        pb.DESCRIPTOR.services_by_name["TenantsService"],
        {
            "CreateTenant": Unary(codec.new_tenant, tenants.create_tenant, codec.created_tenant),
            "GetTenant": Unary(codec.tenant_id, tenants.get_tenant, codec.found_tenant),
            "ListTenants": Unary(codec.tenant_page, tenants.list_tenants, codec.tenants),
            "CreateCredential": Unary(
                codec.new_credential, tenants.create_credential, codec.created_credential
            ),
            "ListCredentials": Unary(
                codec.credential_query, tenants.list_credentials, codec.credentials
            ),
            "RotateCredential": Unary(
                codec.rotation, tenants.rotate_credential, codec.rotated_credential
            ),
            "RevokeCredential": Unary(
                codec.key_id, tenants.revoke_credential, codec.revoked_credential
            ),
        },
    )
