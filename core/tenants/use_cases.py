"""Names what can be done with tenants and credentials."""

from __future__ import annotations

from dataclasses import dataclass

from core.platform.secrets import SecretBox
from core.platform.system_database import SystemDatabase
from core.tenants.create_credential import CreateCredential
from core.tenants.create_tenant import CreateTenant
from core.tenants.list_credentials import ListCredentials
from core.tenants.read_tenants import GetTenant, ListTenants
from core.tenants.revoke_credential import RevokeCredential
from core.tenants.rotate_credential import RotateCredential


@dataclass(frozen=True, slots=True)
class Tenants:
    """Holds the use cases of this noun."""

    create_tenant: CreateTenant
    get_tenant: GetTenant
    list_tenants: ListTenants
    create_credential: CreateCredential
    list_credentials: ListCredentials
    rotate_credential: RotateCredential
    revoke_credential: RevokeCredential


def tenants_use_cases(system: SystemDatabase, secrets: SecretBox) -> Tenants:
    """Joins the use cases with what they need."""
    return Tenants(
        create_tenant=CreateTenant(system),
        get_tenant=GetTenant(system),
        list_tenants=ListTenants(system),
        create_credential=CreateCredential(system, secrets),
        list_credentials=ListCredentials(system),
        rotate_credential=RotateCredential(system, secrets),
        revoke_credential=RevokeCredential(system),
    )
