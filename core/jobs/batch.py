"""Defines a batch: jobs that were submitted together and are counted together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """Counts the jobs of a batch by where they stand; its callback is none of them."""

    tenant_id: str
    batch_id: str
    total: int
    open: int
    succeeded: int
    failed: int
    dead: int
    cancelled: int
    expired: int
    quarantined: int
    created_at: datetime
    callback_job_id: str | None = None
    finished_at: datetime | None = None
