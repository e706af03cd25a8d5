"""Gets one tenant, or lists them a page at a time."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import not_found
from core.page import Page, PageRequest, page_of
from core.platform.system_database import SystemDatabase
from core.result import Err, Ok, Result
from core.tenants import store
from core.tenants.tenant import Tenant

SCOPE = "tenants"


@dataclass(frozen=True, slots=True)
class GetTenant:
    """Gets one tenant; refuses with RESOURCE_NOT_FOUND."""

    system: SystemDatabase

    def __call__(self, _context: Context, tenant_id: str) -> Result[Tenant]:
        """Returns the tenant."""
        with self.system.begin() as transaction:
            tenant = store.find_tenant(transaction, tenant_id)
        return Err(not_found("tenant", tenant_id)) if tenant is None else Ok(tenant)


@dataclass(frozen=True, slots=True)
class ListTenants:
    """Lists tenants by id."""

    system: SystemDatabase

    def __call__(self, _context: Context, request: PageRequest) -> Result[Page[Tenant]]:
        """Returns one page."""
        after = request.after(SCOPE)
        with self.system.begin() as transaction:
            tenants = store.list_tenants(transaction, after[0] if after else "", request.limit + 1)
        return Ok(page_of(tenants, request, SCOPE, lambda tenant: tenant.tenant_id))
