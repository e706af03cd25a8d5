"""Says every few seconds that this worker lives, and what it can take."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace

import structlog
from dramatiq import Broker, Middleware
from dramatiq import Worker as DramatiqWorker

from core.jobs.kind import JobKind
from core.jobs.ledger import versions_of
from core.jobs.worker import AnnounceWorker, Worker

INTERVAL_SECONDS = 5.0


class Presence(Middleware):
    """Announces from the start of the worker to the moment it begins to drain."""

    def __init__(
        self,
        announce: AnnounceWorker,
        worker_id: str,
        kinds: Mapping[str, JobKind],
        queues: Iterable[str],
    ) -> None:
        self._announce = announce
        self._worker = Worker(
            worker_id,
            versions_of(kinds),
            tuple(queues),
            slots=0,
            host=socket.gethostname(),
            process_id=os.getpid(),
        )
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def before_worker_boot(self, broker: Broker, worker: DramatiqWorker) -> None:  # noqa: ARG002
        """Begins to announce; `dramatiq -Q` may have narrowed the queues."""
        wanted = worker.consumer_whitelist
        self._worker = replace(
            self._worker,
            queues=tuple(queue for queue in self._worker.queues if not wanted or queue in wanted),
            slots=worker.worker_threads,
        )
        self._thread.start()

    def before_worker_shutdown(self, broker: Broker, worker: DramatiqWorker) -> None:  # noqa: ARG002
        """Takes the announcement back, so that nothing more is dispatched to this worker."""
        self._stopped.set()
        self._thread.join(INTERVAL_SECONDS)
        self._announce.withdraw(self._worker)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._announce.announce(self._worker)
            except Exception:  # noqa: BLE001 - a worker that is not announced gets no jobs.
                structlog.get_logger().exception("worker_not_announced")
            self._stopped.wait(INTERVAL_SECONDS)
