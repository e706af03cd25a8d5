"""Says how much of the workers a tenant is given, and changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.context import Context
from core.failures import not_found
from core.platform.system_database import SystemDatabase
from core.result import Err, Ok, Result

SHARE = """tenant_id, job_weight AS weight, COALESCE(max_running_jobs, 0) AS max_running_jobs,
 jobs_paused_at IS NOT NULL AS paused"""


@dataclass(frozen=True, slots=True)
class TenantShare:
    """Is a tenant's weight, and the jobs it may run while others wait; 0 for no bound."""

    tenant_id: str
    weight: int
    max_running_jobs: int
    paused: bool


@dataclass(frozen=True, slots=True)
class NewShare:
    """Names what is to change; None leaves it as it is."""

    tenant_id: str
    weight: int | None = None
    max_running_jobs: int | None = None


@dataclass(frozen=True, slots=True)
class SetTenantShare:
    """Changes a tenant's share; it counts from the next turn on."""

    system: SystemDatabase

    def __call__(self, _context: Context, command: NewShare) -> Result[TenantShare]:
        """Returns the share as it is then, or RESOURCE_NOT_FOUND."""
        return changed_share(
            self.system,
            "job_weight = COALESCE(:weight, job_weight), max_running_jobs ="
            " CASE WHEN CAST(:most AS integer) IS NULL THEN max_running_jobs"
            " ELSE NULLIF(:most, 0) END",
            command.tenant_id,
            {"weight": command.weight, "most": command.max_running_jobs},
        )


def changed_share(
    system: SystemDatabase, change: str, tenant_id: str, values: Mapping[str, Any] | None = None
) -> Result[TenantShare]:
    """Changes the tenant's row, wakes the dispatchers, and returns the share as it is then."""
    with system.begin() as transaction:
        rows = transaction.all(
            f"UPDATE tenants SET {change} WHERE tenant_id = :tenant_id RETURNING {SHARE}",
            {"tenant_id": tenant_id, **(values or {})},
        )
        transaction.execute("SELECT pg_notify('howdah_jobs', '')")
    return Ok(TenantShare(**rows[0])) if rows else Err(not_found("tenant", tenant_id))
