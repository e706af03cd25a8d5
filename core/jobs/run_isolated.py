"""Runs an attempt in a process of its own, and sees to it that it ends."""

from __future__ import annotations

import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from core.failures import Failure
from core.jobs.crash import CountCrash
from core.jobs.ending import out_of_memory, timed_out
from core.jobs.job import Job, Progress
from core.jobs.kind import JobKind
from core.jobs.lease import YIELDS, Lease, StopReason
from core.jobs.order import STACK_FILE, Ended, Order, Renewed
from core.jobs.run_attempt import AttemptEnd
from core.platform.processes import ChildProcess, ChildProcesses, exit_in_words, stack_lines
from core.reasons import Reason

# How late a stop, or too much memory, may be noticed.
LOOK_SECONDS = 0.1
LAST_WORD_SECONDS = 0.2
# By then the worker has killed the process, if there still is a worker.
ORPHAN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class RunIsolated:
    """Keeps the lease while the process works, and passes on why it has to stop.

    A process that dies, or has to be killed, is a crash of its job. `grace_seconds` is how long a
    process that was asked to end may take.
    """

    processes: ChildProcesses
    crash: CountCrash
    lease_seconds: float
    grace_seconds: float

    def __call__(self, job: Job, kind: JobKind, lease: Lease) -> AttemptEnd | None:
        """Returns how the attempt ended, or None where the job is another attempt's by then."""
        with tempfile.TemporaryDirectory(
            prefix="howdah-job-", ignore_cleanup_errors=True
        ) as directory:
            order = Order(
                job,
                lease.renewed_at,
                self.lease_seconds,
                kind.time_limit_seconds + self.grace_seconds + ORPHAN_SECONDS,
                Path(directory),
                structlog.contextvars.get_contextvars(),
            )
            try:
                child = self.processes.start(order)
            except (OSError, EOFError):
                structlog.get_logger().exception("job_process_not_started")
                return self._crashed(lease, _died("it could not be started"))
            try:
                return self._follow(child, order, kind, lease)
            finally:
                self.processes.close(child)

    def _follow(
        self, child: ChildProcess, order: Order, kind: JobKind, lease: Lease
    ) -> AttemptEnd | None:
        watch = _Watch(child, kind, lease, self.grace_seconds)
        while True:
            try:
                said = child.receive(LOOK_SECONDS)
            except EOFError:
                cause = exit_in_words(child.end())
                _log_stack("job_process_died", order, cause)
                return self._crashed(lease, _died(cause))
            if isinstance(said, Ended):
                return said.end
            if isinstance(said, Progress):
                lease.tell(said)
            if lease.stop_reason is StopReason.LEASE_LOST:
                # What it still does can be written nowhere; or it has just ended the job itself.
                return _last_word(child)
            if failure := watch.look():
                child.ask_for_stack()
                child.kill()
                child.end()
                _log_stack("job_process_killed", order, failure.reason.name)
                return self._crashed(lease, failure) or _last_word(child)

    def _crashed(self, lease: Lease, failure: Failure) -> AttemptEnd | None:
        state = self.crash(lease.ticket, failure)
        return None if state is None else AttemptEnd(state, failure.reason.name)


class _Watch:
    """Looks after one process: tells it what its lease says, and judges when it must be killed."""

    def __init__(
        self, child: ChildProcess, kind: JobKind, lease: Lease, grace_seconds: float
    ) -> None:
        self._child = child
        self._kind = kind
        self._lease = lease
        self._grace_seconds = grace_seconds
        self._told: StopReason | None = None
        self._renewed_at = lease.renewed_at
        self._kill_at = time.monotonic() + kind.time_limit_seconds + grace_seconds

    def look(self) -> Failure | None:
        """Returns why the process has to be killed, or None."""
        if self._lease.renewed_at != self._renewed_at:
            self._renewed_at = self._lease.renewed_at
            self._child.send(Renewed(self._renewed_at))
        reason = self._lease.stop_reason
        if reason is not None and reason is not self._told:
            self._told = reason
            self._child.send(reason)
            # A drain has a grace of its own, at whose end the worker leaves.
            if reason not in YIELDS:
                self._kill_at = min(self._kill_at, time.monotonic() + self._grace_seconds)
        limit = self._kind.memory_limit_bytes
        if limit is not None and self._child.resident_bytes() > limit:
            return out_of_memory(self._kind)
        return (
            timed_out(self._kind.time_limit_seconds) if time.monotonic() > self._kill_at else None
        )


def _last_word(child: ChildProcess) -> AttemptEnd | None:
    """Returns how the attempt ended where the child told it a moment ago."""
    give_up = time.monotonic() + LAST_WORD_SECONDS
    with suppress(EOFError):
        while (left := give_up - time.monotonic()) > 0:
            said = child.receive(left)
            if isinstance(said, Ended):
                return said.end
    return None


def _died(cause: str) -> Failure:
    return Failure(
        Reason.WORKER_CRASHED, f"The process of the attempt ended: {cause}.", {"cause": cause}
    )


def _log_stack(event: str, order: Order, cause: str) -> None:
    structlog.get_logger().error(
        event, cause=cause, stack=stack_lines(order.directory / STACK_FILE)
    )
