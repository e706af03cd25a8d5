"""Pauses the jobs of one tenant, and resumes them."""

from __future__ import annotations

from dataclasses import dataclass

from core.failures import not_found
from core.platform.system_database import SystemDatabase
from core.result import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class PauseTenant:
    """Keeps jobs that have not begun from beginning. Submitting works on, and what runs ends."""

    system: SystemDatabase

    def __call__(self, tenant_id: str) -> Result[None]:
        """Pauses; a tenant that is paused stays so."""
        return _changed(
            self.system,
            tenant_id,
            "UPDATE tenants SET jobs_paused_at = COALESCE(jobs_paused_at, now())"
            " WHERE tenant_id = :tenant_id RETURNING tenant_id",
        )


@dataclass(frozen=True, slots=True)
class ResumeTenant:
    """Lets the jobs of a paused tenant begin again."""

    system: SystemDatabase

    def __call__(self, tenant_id: str) -> Result[None]:
        """Resumes, and wakes the dispatchers."""
        return _changed(
            self.system,
            tenant_id,
            "UPDATE tenants SET jobs_paused_at = NULL WHERE tenant_id = :tenant_id"
            " RETURNING tenant_id, pg_notify('howdah_jobs', '')::text AS woken",
        )


def _changed(system: SystemDatabase, tenant_id: str, statement: str) -> Result[None]:
    with system.begin() as transaction:
        rows = transaction.all(statement, {"tenant_id": tenant_id})
    return Ok(None) if rows else Err(not_found("tenant", tenant_id))
