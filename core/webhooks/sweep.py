"""Deletes messages, with their deliveries, that have been kept for long enough."""

from __future__ import annotations

from core.platform.system_database import SystemDatabase

ROWS_PER_STATEMENT = 1_000
MOST_STATEMENTS = 100


class SweepWebhooks:
    """Deletes a bounded number of rows at a time, so that nothing waits long for its locks."""

    def __init__(self, system: SystemDatabase, *, retention_days: int) -> None:
        self._system = system
        self._retention_days = retention_days

    def __call__(self) -> int:
        """Sweeps once; returns how many messages went. What is left over is for the next time."""
        deleted = 0
        for _ in range(MOST_STATEMENTS):
            with self._system.begin() as transaction:
                rows = transaction.execute(
                    """
                    DELETE FROM webhook_messages WHERE (tenant_id, message_id) IN (
                        SELECT tenant_id, message_id FROM webhook_messages AS m
                        WHERE created_at < now() - make_interval(days => :days)
                        AND NOT EXISTS (SELECT FROM webhook_deliveries AS d
                            WHERE d.tenant_id = m.tenant_id AND d.message_id = m.message_id
                            AND d.state = 'pending')
                        LIMIT :rows)
                    """,
                    {"days": self._retention_days, "rows": ROWS_PER_STATEMENT},
                ).rowcount
            deleted += rows
            if rows < ROWS_PER_STATEMENT:
                break
        return deleted
