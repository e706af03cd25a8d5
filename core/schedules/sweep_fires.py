"""Deletes the record of old fires."""

from __future__ import annotations

from dataclasses import dataclass

from core.platform.system_database import SystemDatabase

ROWS_PER_STATEMENT = 1_000
MOST_STATEMENTS = 500
# The last fire of each schedule is kept, however old, and so is one whose job may go on.
OLD = """
DELETE FROM schedule_fires WHERE (tenant_id, schedule_id, fire_time) IN (
    SELECT tenant_id, schedule_id, fire_time FROM schedule_fires AS old
    WHERE fired_at < now() - make_interval(days => :days) AND NOT open AND EXISTS (
        SELECT FROM schedule_fires AS newer WHERE newer.tenant_id = old.tenant_id
        AND newer.schedule_id = old.schedule_id AND newer.fire_time > old.fire_time)
    LIMIT :rows)
"""


@dataclass(frozen=True, slots=True)
class SweepFires:
    """Deletes a bounded number of rows at a time, so that nothing waits long for its locks."""

    system: SystemDatabase
    retention_days: int

    def __call__(self) -> int:
        """Returns how many were deleted; what is left over is for the next time."""
        deleted = 0
        for _ in range(MOST_STATEMENTS):
            with self.system.begin() as transaction:
                rows = transaction.execute(
                    OLD, {"days": self.retention_days, "rows": ROWS_PER_STATEMENT}
                ).rowcount
            deleted += rows
            if rows < ROWS_PER_STATEMENT:
                break
        return deleted
