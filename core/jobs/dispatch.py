"""Hands due jobs to the workers: marked in Postgres first, pushed to Redis after the commit."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

import structlog

from core.failures import RefusedError
from core.jobs import ledger
from core.jobs.job import Job
from core.jobs.kind import JobKind, caps_of
from core.jobs.ledger import Capacity, Ticket, ticket_of
from core.jobs.lookahead import Lookahead
from core.jobs.pick import pick
from core.platform.queue import JobQueue
from core.platform.system_database import SystemDatabase

# Redis never holds more jobs for each place at a worker, however fast they are taken.
JOBS_PER_SLOT = 2
CAPACITY_SECONDS = 1.0
# How long a submitter goes by what room it saw; others fill the queue meanwhile.
ROOM_SECONDS = 0.02
# How long submitters leave a queue to the dispatcher after it left some waiting.
CROWDED_SECONDS = 0.2
PAUSE_AFTER_FAULT_SECONDS = 1.0


class DispatchJobs:
    """Dispatches by rounds, as the dispatcher does, and says when a submitter may do it itself."""

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
        self._rooms: dict[str, tuple[int, float]] = {}
        self._lookaheads: defaultdict[str, Lookahead] = defaultdict(Lookahead)
        self._quiet_until = 0.0
        self._crowded = False

    def __call__(self) -> tuple[int, bool]:
        """Runs one round over all queues: how many were dispatched, and whether more may wait.

        Raises RefusedError where Postgres or Redis is away; whatever was marked but not pushed is
        queued again.
        """
        dispatched, crowded = 0, False
        if not self._crowded:
            # Rounds are few then, and this one may be for a worker that has just come.
            self._known_until = 0.0
        for capacity in self._known_capacities():
            tickets, more = self._dispatch(capacity)
            dispatched += len(tickets)
            if more:
                crowded = True
                self._queue.say_crowded(capacity.queue, seconds=CROWDED_SECONDS)
        self._crowded = crowded
        return dispatched, crowded

    def _dispatch(self, capacity: Capacity) -> tuple[Sequence[Ticket], bool]:
        """Runs one round over one queue; returns what was dispatched, and whether more may wait.

        Beyond the free places only a little is handed over: whose turn it is is decided in
        Postgres, and what lies in Redis is taken before whoever comes next.
        """
        length = self._queue.length(capacity.queue)
        lookahead = self._lookaheads[capacity.queue]
        ready = lookahead.jobs(length)
        room = self._room(capacity, length)
        if room <= 0:
            return (), True
        with self._system.begin() as transaction:
            if ready - length < room:
                # Where jobs are taken quicker than that, free places make no difference.
                busy = ledger.busy_places(transaction, capacity.queue, ready=length)
                room = min(room, capacity.slots - busy + ready - length)
            if room <= 0:
                return (), True
            tickets = pick(transaction, capacity, caps_of(self._kinds), most=room)
        self._push(tickets)
        lookahead.pushed(len(tickets))
        return tickets, len(tickets) == room

    def has_room(self, kind: JobKind) -> bool:
        """Tells whether a job of the kind may go to the workers in the transaction that submits it.

        Never raises: the dispatcher sees to the job otherwise.
        """
        now = time.monotonic()
        if now < self._quiet_until or kind.max_active is not None:
            return False
        try:
            capacity = self._capacity_of(kind)
            if capacity is None:
                return False
            room, seen_until = self._rooms.get(kind.queue, (0, 0.0))
            if now >= seen_until:
                length = self._queue.clear_length(kind.queue)
                room = 0 if length is None else self._room(capacity, length)
                seen_until = now + ROOM_SECONDS
            self._rooms[kind.queue] = (room - 1, seen_until)
        except RefusedError as refusal:
            self._left_to_dispatcher(refusal)
            return False
        return room > 0

    def at_once(self, job: Job) -> None:
        """Pushes one job that was submitted as dispatched, right after its commit.

        Never raises: the job is safe in Postgres, and is dispatched again where nobody takes it.
        """
        ticket = ticket_of(job)
        try:
            self._push([ticket])
        except RefusedError as refusal:
            self._left_to_dispatcher(refusal)
        except Exception:  # noqa: BLE001 - the job is committed: its submitter must hear so.
            structlog.get_logger().exception("job_left_to_dispatcher", job_id=job.job_id)

    def _left_to_dispatcher(self, refusal: RefusedError) -> None:
        # One slow call a second is the most that a missing Redis may cost submitters.
        self._quiet_until = time.monotonic() + PAUSE_AFTER_FAULT_SECONDS
        structlog.get_logger().warning("jobs_left_to_dispatcher", reason=str(refusal))

    def _room(self, capacity: Capacity, length: int) -> int:
        return min(self._batch, capacity.slots * JOBS_PER_SLOT - length)

    def _known_capacities(self) -> Sequence[Capacity]:
        """Returns the capacities, at most a second old."""
        if time.monotonic() >= self._known_until:
            # First, so that a worker that comes meanwhile is looked for once more.
            self._known_until = time.monotonic() + CAPACITY_SECONDS
            with self._system.begin() as transaction:
                self._capacities = ledger.capacities(transaction)
        return self._capacities

    def _capacity_of(self, kind: JobKind) -> Capacity | None:
        for capacity in self._known_capacities():
            if capacity.queue == kind.queue:
                return capacity if kind.version <= capacity.versions.get(kind.name, 0) else None
        return None

    def _push(self, tickets: Sequence[Ticket]) -> None:
        if not tickets:
            return
        try:
            self._queue.publish(
                tickets[0].queue, [(each.tenant_id, each.job_id, each.epoch) for each in tickets]
            )
        except RefusedError:
            with self._system.begin() as transaction:
                ledger.give_back(transaction, tickets)
            raise
