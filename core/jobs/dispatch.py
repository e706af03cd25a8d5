"""Hands due jobs to the workers: marked in Postgres first, pushed to Redis after the commit."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import structlog

from core.failures import RefusedError
from core.jobs import ledger
from core.jobs.job import Job
from core.jobs.kind import JobKind, caps_of
from core.jobs.ledger import Capacity, Ticket
from core.jobs.pick import pick
from core.platform.queue import JobQueue
from core.platform.system_database import SystemDatabase

# Redis holds few jobs for each place at a worker, so that whose turn it is is decided in Postgres.
JOBS_PER_SLOT = 2
CAPACITY_SECONDS = 1.0
PAUSE_AFTER_FAULT_SECONDS = 1.0


class DispatchJobs:
    """Dispatches by rounds, as the dispatcher does, or one job at once, as its submitter tries."""

    def __init__(
        self,
        system: SystemDatabase,
        queue: JobQueue,
        kinds: Mapping[str, JobKind],
        *,
        batch: int,
    ) -> None:
        self._kinds = kinds
        self._system = system
        self._queue = queue
        self._batch = batch
        self._capacities: Sequence[Capacity] = ()
        self._known_until = 0.0
        self._quiet_until = 0.0

    def __call__(self) -> tuple[int, bool]:
        """Runs one round over all queues: how many were dispatched, and whether more may wait.

        Raises RefusedError where Postgres or Redis is away; whatever was marked but not pushed is
        queued again.
        """
        with self._system.begin() as transaction:
            capacities = ledger.capacities(transaction)
        dispatched, more = 0, False
        for capacity in capacities:
            room = self._room(capacity)
            if room > 0:
                with self._system.begin() as transaction:
                    tickets = pick(transaction, capacity, caps_of(self._kinds), most=room)
                self._push(tickets)
                dispatched += len(tickets)
                more = more or len(tickets) == room
            else:
                more = True
        return dispatched, more

    def at_once(self, job: Job) -> None:
        """Tries to hand over one job right after its commit, so that it need not wait for a round.

        Never raises: the job is safe in Postgres, and the dispatcher sees to it otherwise.
        """
        if time.monotonic() < self._quiet_until or job.kind in caps_of(self._kinds):
            return
        ticket = Ticket(job.tenant_id, job.job_id, job.epoch, job.queue)
        try:
            capacity = self._capacity_of(job)
            if capacity is None or self._room(capacity) <= 0:
                return
            with self._system.begin() as transaction:
                picked = ledger.pick_this(transaction, ticket, capacity)
            if picked:
                self._push([ticket])
        except RefusedError as refusal:
            # One slow call a second is the most that a missing Redis may cost submitters.
            self._quiet_until = time.monotonic() + PAUSE_AFTER_FAULT_SECONDS
            structlog.get_logger().warning(
                "job_left_to_dispatcher", job_id=job.job_id, reason=str(refusal)
            )
        except Exception:  # noqa: BLE001 - the job is committed: its submitter must hear so.
            structlog.get_logger().exception("job_left_to_dispatcher", job_id=job.job_id)

    def _room(self, capacity: Capacity) -> int:
        waiting = self._queue.length(capacity.queue)
        return min(self._batch, capacity.slots * JOBS_PER_SLOT - waiting)

    def _capacity_of(self, job: Job) -> Capacity | None:
        """Returns the capacity for the job, at most a second old; None where nobody runs it."""
        if time.monotonic() >= self._known_until:
            with self._system.begin() as transaction:
                self._capacities = ledger.capacities(transaction)
            self._known_until = time.monotonic() + CAPACITY_SECONDS
        for capacity in self._capacities:
            if capacity.queue == job.queue and job.kind in capacity.kinds:
                return capacity
        return None

    def _push(self, tickets: Sequence[Ticket]) -> None:
        for number, ticket in enumerate(tickets):
            try:
                self._queue.publish(
                    ticket.queue,
                    tenant_id=ticket.tenant_id,
                    job_id=ticket.job_id,
                    epoch=ticket.epoch,
                )
            except RefusedError:
                with self._system.begin() as transaction:
                    ledger.give_back(transaction, tickets[number:])
                raise
