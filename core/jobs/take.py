"""Takes due jobs from Postgres without Redis between, for a worker that has lost it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import structlog

from core.failures import RefusedError
from core.jobs.kind import JobKind, caps_of
from core.jobs.ledger import Capacity, Ticket, versions_of
from core.jobs.pick import pick
from core.platform.system_database import SystemDatabase

POLL_SECONDS = 1.0


class TakeJobs:
    """Dispatches to its own worker, in the order in which the dispatcher would.

    Any number of workers and dispatchers may do so at a time; each job goes to one of them.
    """

    def __init__(self, system: SystemDatabase, kinds: Mapping[str, JobKind]) -> None:
        self._system = system
        self._kinds = kinds
        self._quiet_until: dict[str, float] = {}

    def __call__(self, queue: str, most: int) -> Sequence[Ticket]:
        """Returns up to `most` jobs of the queue. Never raises, and looks once a second.

        While there is more than the worker can take it looks again at once.
        """
        if time.monotonic() < self._quiet_until.get(queue, 0.0):
            return ()
        tickets: Sequence[Ticket] = ()
        try:
            with self._system.begin() as transaction:
                capacity = Capacity(queue, most, versions_of(self._kinds))
                tickets = pick(transaction, capacity, caps_of(self._kinds), most=most)
        except RefusedError as refusal:
            structlog.get_logger().warning("jobs_not_taken", reason=str(refusal))
        if len(tickets) < most:
            self._quiet_until[queue] = time.monotonic() + POLL_SECONDS
        return tickets
