"""Writes down the kinds of jobs and their limits, for howdah.enqueue to go by."""

from __future__ import annotations

from collections.abc import Mapping

from core.jobs.kind import JobKind
from core.platform.system_database import SystemDatabase


class PublishKinds:
    """Keeps the tables as this release has it; where two releases run, the newer version stands."""

    def __init__(
        self,
        system: SystemDatabase,
        kinds: Mapping[str, JobKind],
        *,
        max_waiting_jobs_per_tenant: int,
        max_payload_bytes: int,
    ) -> None:
        self._system = system
        self._kinds = kinds
        self._max_waiting = max_waiting_jobs_per_tenant
        self._max_payload_bytes = max_payload_bytes

    def __call__(self) -> None:
        """Writes what is not there already. A kind that is gone stays: its jobs wait for a worker.

        In the order of the names, so that two dispatchers do not block each other.
        """
        with self._system.begin() as transaction:
            transaction.execute(
                """
                INSERT INTO job_limits AS known (max_waiting_jobs_per_tenant, max_job_payload_bytes)
                VALUES (:max_waiting, :max_payload_bytes)
                ON CONFLICT (only_row) DO UPDATE SET
                    max_waiting_jobs_per_tenant = EXCLUDED.max_waiting_jobs_per_tenant,
                    max_job_payload_bytes = EXCLUDED.max_job_payload_bytes
                WHERE known IS DISTINCT FROM EXCLUDED
                """,
                {"max_waiting": self._max_waiting, "max_payload_bytes": self._max_payload_bytes},
            )
            for name, kind in sorted(self._kinds.items()):
                transaction.execute(
                    """
                    INSERT INTO job_kinds AS known
                        (name, version, queue, priority, max_attempts, open)
                    VALUES (:name, :version, :queue, :priority, :max_attempts, :open)
                    ON CONFLICT (name) DO UPDATE SET version = EXCLUDED.version,
                        queue = EXCLUDED.queue, priority = EXCLUDED.priority,
                        max_attempts = EXCLUDED.max_attempts, open = EXCLUDED.open
                    WHERE known IS DISTINCT FROM EXCLUDED AND known.version <= EXCLUDED.version
                    """,
                    {
                        "name": name,
                        "version": kind.version,
                        "queue": kind.queue,
                        "priority": kind.priority,
                        "max_attempts": kind.max_attempts,
                        "open": kind.check_payload is not None,
                    },
                )
