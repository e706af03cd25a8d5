"""Sets how often a worker looks for messages, and how many it takes at a time."""

from __future__ import annotations

from dramatiq import Broker, Middleware, Worker


class Pace(Middleware):
    """Stands in for Dramatiq's environment variables, which are read before we have a say."""

    def __init__(self, *, poll_milliseconds: int) -> None:
        self._poll_milliseconds = poll_milliseconds

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        """Applies the pace before the first consumer starts."""
        worker.worker_timeout = self._poll_milliseconds
        # A message taken ahead waits here although another worker may be free.
        worker.queue_prefetch = worker.worker_threads
