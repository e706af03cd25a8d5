"""Gives jobs back to their queue that their worker cannot see to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from core.failures import RefusedError
from core.jobs import leases, ledger
from core.jobs.kind import JobKind
from core.jobs.ledger import Ticket
from core.platform.system_database import SystemDatabase

# One job of an unknown kind costs a worker no more than one claim in so long.
PASS_ON_SECONDS = 1.0


class HandBackJobs:
    """Never raises: what cannot be given back now is rescued when its time is over."""

    def __init__(self, system: SystemDatabase) -> None:
        self._system = system

    def unstarted(self, tickets: Sequence[Ticket]) -> int:
        """Queues jobs again that nobody has begun; returns how many."""
        try:
            with self._system.begin() as transaction:
                return ledger.give_back(transaction, tickets)
        except RefusedError as refusal:
            structlog.get_logger().warning("jobs_not_given_back", reason=str(refusal))
            return 0

    def unknown(self, ticket: Ticket, kinds: Mapping[str, JobKind]) -> bool:
        """Queues a job again that these kinds, or their versions, are too old for; tells if so."""
        try:
            with self._system.begin() as transaction:
                return ledger.pass_on(
                    transaction,
                    ticket,
                    ledger.versions_of(kinds),
                    after_seconds=PASS_ON_SECONDS,
                )
        except RefusedError as refusal:
            structlog.get_logger().warning("job_not_passed_on", reason=str(refusal))
            return False

    def running(self, tickets: Sequence[Ticket]) -> int:
        """Queues jobs again whose attempts do not end; from here on they can write nothing."""
        try:
            with self._system.begin() as transaction:
                return leases.release(transaction, tickets)
        except RefusedError as refusal:
            structlog.get_logger().warning("jobs_not_released", reason=str(refusal))
            return 0
