"""Pauses the jobs of one tenant, and resumes them."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.jobs.tenant_share import TenantShare, changed_share
from core.platform.system_database import SystemDatabase
from core.result import Result


@dataclass(frozen=True, slots=True)
class PauseTenant:
    """Keeps jobs that have not begun from beginning. Submitting works on, and what runs ends."""

    system: SystemDatabase

    def __call__(self, _context: Context, tenant_id: str) -> Result[TenantShare]:
        """Pauses; a tenant that is paused stays so."""
        return changed_share(
            self.system, "jobs_paused_at = COALESCE(jobs_paused_at, now())", tenant_id
        )


@dataclass(frozen=True, slots=True)
class ResumeTenant:
    """Lets the jobs of a paused tenant begin again."""

    system: SystemDatabase

    def __call__(self, _context: Context, tenant_id: str) -> Result[TenantShare]:
        """Resumes, and wakes the dispatchers."""
        return changed_share(self.system, "jobs_paused_at = NULL", tenant_id)
