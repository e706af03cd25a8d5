"""Creates a tenant."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import already_exists
from core.platform.system_database import SystemDatabase
from core.result import Err, Ok, Result
from core.tenants import store
from core.tenants.tenant import Tenant


@dataclass(frozen=True, slots=True)
class NewTenant:
    """Asks for a tenant; empty values take the node's defaults."""

    tenant_id: str
    display_name: str = ""
    time_zone: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class CreateTenant:
    """Creates a tenant; refuses with RESOURCE_EXISTS where the id is taken."""

    system: SystemDatabase

    def __call__(self, _context: Context, command: NewTenant) -> Result[Tenant]:
        """Returns the tenant."""
        with self.system.begin() as transaction:
            tenant = store.insert_tenant(
                transaction,
                command.tenant_id,
                command.display_name or command.tenant_id,
                command.time_zone or "UTC",
                command.currency or "EUR",
            )
        return Err(already_exists("tenant", command.tenant_id)) if tenant is None else Ok(tenant)
