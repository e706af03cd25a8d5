"""Says what a kind of job is: its handler, its limits, and the three answers a handler can give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from core.context import Context
from core.failures import Failure, FieldViolation
from core.jobs.batch import Batch
from core.jobs.job import Job
from core.platform.unit_of_work import UnitOfWork
from core.reasons import Reason


@dataclass(frozen=True, slots=True)
class Done:
    """Says that the work is done.

    `write` runs in the transaction that ends the job, so its effect happens exactly once.
    """

    result: Mapping[str, Any]
    file_id: str | None = None
    write: Callable[[UnitOfWork], None] | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Says that the work cannot be done, and that trying again as it is cannot help."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Later:
    """Asks to be run again after a while, for a reason that will pass. Counts as an attempt."""

    after_seconds: float
    failure: Failure


Outcome: TypeAlias = Done | Refused | Later


class JobStoppedError(BaseException):
    """Ends an attempt from inside: cancelled, lease lost, out of time, or the worker drains.

    It is no `Exception`, so that a handler's `except Exception` cannot swallow it.
    """


class JobRun(Protocol):
    """Is what a handler is given: one attempt of one job, bound to its tenant."""

    @property
    def job_id(self) -> str:
        """Returns the id; it is the idempotency key for effects outside our database."""

    @property
    def payload(self) -> Mapping[str, Any]:
        """Returns what the submitter wrote down."""

    @property
    def checkpoint(self) -> Mapping[str, Any] | None:
        """Returns what an earlier attempt saved last, or None."""

    @property
    def previous(self) -> Job | Batch | None:
        """Returns the step before this one in its chain, or the batch that this one was called by.

        It is read when it is first asked for; None where there is neither, or not any more.
        """

    @property
    def context(self) -> Context:
        """Returns the tenant, the principal that submitted, the correlation id and the deadline."""

    @property
    def directory(self) -> Path:
        """Returns an empty directory of this attempt, removed when it ends."""

    def begin(self) -> UnitOfWork:
        """Opens a transaction of the tenant for a part of the work."""

    def save(self, unit: UnitOfWork, checkpoint: Mapping[str, Any]) -> None:
        """Writes the checkpoint in `unit`'s transaction, fenced by the epoch.

        Raises JobStoppedError where another attempt has taken over, so that nothing is written.
        """

    def progress(self, phase: str, done: int, total: int = 0, message: str = "") -> None:
        """Tells how far the work is; at most one write a second reaches the database."""

    def proceed(self) -> None:
        """Raises JobStoppedError where the attempt has to end; called between pieces of work."""


Handler: TypeAlias = Callable[[JobRun], Outcome]


@dataclass(frozen=True, slots=True)
class Retry:
    """Says how often and after how long an attempt that broke in one way is followed by another.

    What is None is as the kind has it. `max_attempts` counts all attempts of the job, however each
    of them broke, and never exceeds the job's own; 1 means never again.
    """

    max_attempts: int | None = None
    first_backoff_seconds: float | None = None
    longest_backoff_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class JobKind:
    """Is one kind of job: how it is run and how often it is tried."""

    name: str
    handler: Handler
    version: int = 1
    queue: str = "default"
    priority: str = "default"
    max_attempts: int = 5
    time_limit_seconds: float = 900.0
    first_backoff_seconds: float = 2.0
    longest_backoff_seconds: float = 600.0
    # By the reason or the exception, or a base of it, that an attempt broke with.
    retries: Mapping[Reason | type[Exception], Retry] = field(default_factory=dict)
    # Dispatched or running at a time, of all tenants together; None for no bound.
    max_active: int | None = None
    # Finds what is wrong with a payload. Callers may submit a kind that has it, by themselves or by
    # a schedule; without it only the node's own methods start such jobs.
    check_payload: Callable[[Mapping[str, Any]], Sequence[FieldViolation]] | None = None
    # Runs in a child process, which can be killed; for work that computes for long without a pause.
    isolated: bool = False
    # Of the child process of an isolated kind; None for no bound.
    memory_limit_bytes: int | None = None


def caps_of(kinds: Mapping[str, JobKind]) -> Mapping[str, int]:
    """Returns how many jobs of each bounded kind may be active at a time."""
    return {name: kind.max_active for name, kind in kinds.items() if kind.max_active is not None}
