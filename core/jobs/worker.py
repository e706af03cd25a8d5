"""Makes a worker process known, so that jobs are dispatched to it, and unknown again."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from core.failures import RefusedError
from core.jobs.ledger import WORKER_GONE_SECONDS
from core.jobs.store import json_text
from core.platform.queue import JobQueue
from core.platform.system_database import SystemDatabase


@dataclass(frozen=True, slots=True)
class Worker:
    """Says what one worker process can take; `versions` has the latest of each kind."""

    worker_id: str
    versions: Mapping[str, int]
    queues: tuple[str, ...]
    slots: int
    host: str = ""
    process_id: int = 0


def new_worker_id() -> str:
    """Returns a name that tells an operator where to look, and that nobody else has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


class AnnounceWorker:
    """Keeps a row in Postgres, which the dispatcher goes by, and a key in Redis that expires."""

    def __init__(self, system: SystemDatabase, queue: JobQueue) -> None:
        self._system = system
        self._queue = queue

    def announce(self, worker: Worker) -> None:
        """Says that the worker lives. Never raises: it is said again soon."""
        try:
            with self._system.begin() as transaction:
                # xmax is 0 where the row is new: then waiting jobs can be dispatched at once.
                transaction.execute(
                    """
                    WITH seen AS (
                        INSERT INTO workers
                            (worker_id, kinds, versions, queues, slots, host, process_id)
                        VALUES (:worker_id, :kinds, CAST(:versions AS jsonb), :queues, :slots,
                            :host, :process_id)
                        ON CONFLICT (worker_id) DO UPDATE SET seen_at = now()
                        RETURNING xmax = 0 AS new
                    )
                    SELECT pg_notify('howdah_jobs', '') FROM seen WHERE new
                    """,
                    {
                        "worker_id": worker.worker_id,
                        "kinds": sorted(worker.versions),
                        "versions": json_text(worker.versions),
                        "queues": list(worker.queues),
                        "slots": worker.slots,
                        "host": worker.host,
                        "process_id": worker.process_id,
                    },
                )
            self._queue.announce(worker.worker_id, seconds=WORKER_GONE_SECONDS)
        except RefusedError as refusal:
            structlog.get_logger().warning("worker_not_announced", reason=str(refusal))

    def withdraw(self, worker: Worker) -> None:
        """Says that the worker takes no more jobs. Never raises: it is forgotten in time anyway."""
        try:
            with self._system.begin() as transaction:
                transaction.execute(
                    "DELETE FROM workers WHERE worker_id = :worker_id",
                    {"worker_id": worker.worker_id},
                )
            self._queue.withdraw(worker.worker_id)
        except RefusedError as refusal:
            structlog.get_logger().warning("worker_not_withdrawn", reason=str(refusal))
