"""Deletes what has been kept for long enough: ended jobs and answers to repeated calls."""

from __future__ import annotations

from dataclasses import dataclass

from core.platform.system_database import SystemDatabase

# Not a parameter: a plan that does not know how few are wanted reads all that could go.
ROWS_PER_STATEMENT = 1_000
MOST_STATEMENTS = 500


@dataclass(frozen=True, slots=True)
class Swept:
    """Counts what one sweep deleted."""

    jobs: int
    orphans: int
    batches: int
    answers: int
    workers: int


class SweepJobs:
    """Deletes a bounded number of rows at a time, so that nothing waits long for its locks."""

    def __init__(
        self,
        system: SystemDatabase,
        *,
        job_retention_days: int,
        succeeded_job_retention_days: int,
        idempotency_retention_hours: int,
    ) -> None:
        self._system = system
        self._job_days = job_retention_days
        self._succeeded_days = succeeded_job_retention_days
        self._answer_hours = idempotency_retention_hours

    def __call__(self) -> Swept:
        """Sweeps once; what is left over is for the next time."""
        return Swept(
            jobs=self._delete(_jobs("true"), self._job_days)
            + self._delete(_jobs("state = 'succeeded'"), self._succeeded_days),
            orphans=self._cancel_orphans(),
            # The callback has the counts for as long as it may run.
            batches=self._delete(
                "DELETE FROM batches WHERE (tenant_id, batch_id) IN ("
                "SELECT tenant_id, batch_id FROM batches"
                " WHERE finished_at < now() - make_interval(days => :age) AND NOT EXISTS ("
                "SELECT FROM jobs WHERE jobs.tenant_id = batches.tenant_id"
                " AND jobs.job_id = batches.callback_job_id)"
                f" LIMIT {ROWS_PER_STATEMENT} FOR UPDATE SKIP LOCKED)",
                self._job_days,
            ),
            answers=self._delete(
                "DELETE FROM idempotency WHERE (tenant_id, key_id, method, key) IN ("
                "SELECT tenant_id, key_id, method, key FROM idempotency"
                " WHERE completed_at < now() - make_interval(hours => :age)"
                f" LIMIT {ROWS_PER_STATEMENT})",
                self._answer_hours,
            ),
            workers=self._delete(
                "DELETE FROM workers WHERE worker_id IN (SELECT worker_id FROM workers"
                " WHERE seen_at < now() - make_interval(days => :age)"
                f" LIMIT {ROWS_PER_STATEMENT})",
                1,
            ),
        )

    def _cancel_orphans(self) -> int:
        """Ends what is held for a job or a batch that is gone; what is behind it follows."""
        with self._system.begin() as transaction:
            rows = transaction.all(
                """
                SELECT cancel_held_job(tenant_id, job_id) FROM jobs AS held WHERE state = 'held'
                AND NOT EXISTS (SELECT FROM jobs WHERE tenant_id = held.tenant_id
                    AND next_job_id = held.job_id)
                AND NOT EXISTS (SELECT FROM batches WHERE tenant_id = held.tenant_id
                    AND callback_job_id = held.job_id)
                ORDER BY tenant_id, job_id LIMIT :rows
                """,
                {"rows": ROWS_PER_STATEMENT},
            )
        return len(rows)

    def _delete(self, statement: str, age: int) -> int:
        deleted = 0
        for _ in range(MOST_STATEMENTS):
            with self._system.begin() as transaction:
                rows = transaction.execute(statement, {"age": age}).rowcount
            deleted += rows
            if rows < ROWS_PER_STATEMENT:
                break
        return deleted


def _jobs(which: str) -> str:
    return (
        "DELETE FROM jobs WHERE (tenant_id, job_id) IN (SELECT tenant_id, job_id FROM jobs"
        f" WHERE finished_at < now() - make_interval(days => :age) AND {which}"
        f" ORDER BY finished_at LIMIT {ROWS_PER_STATEMENT} FOR UPDATE SKIP LOCKED)"
    )
