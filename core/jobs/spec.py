"""Says what a caller asks for when it submits a job, and what must be right about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain, islice
from typing import Any

from core.failures import Failure, FieldViolation, RefusedError, fields_invalid
from core.jobs.job import Job
from core.jobs.kind import JobKind
from core.jobs.store import json_text
from core.reasons import Reason

LONGEST_DELAY = timedelta(days=366)
# A batch may have thousands of jobs; these are enough to see what is wrong.
MOST_FAULTS = 100


class UniquePolicy(StrEnum):
    """Lists what can happen where a job with the same unique key has not ended."""

    RETURN_EXISTING = "return_existing"
    REPLACE_PAYLOAD = "replace_payload"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Unique:
    """Keeps a second job of the kind with this key from existing."""

    key: str
    policy: UniquePolicy


@dataclass(frozen=True, slots=True)
class JobSpec:
    """Asks for one job. `run_at` outweighs the delay; the empty priority is the kind's."""

    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    delay_seconds: float = 0.0
    run_at: datetime | None = None
    expire_after_seconds: float | None = None
    priority: str = ""
    unique: Unique | None = None

    def wait_seconds(self) -> float:
        """Returns how long from now it is to wait."""
        if self.run_at is None:
            return self.delay_seconds
        return max(0.0, (self.run_at - datetime.now(UTC)).total_seconds())


@dataclass(frozen=True, slots=True)
class CheckSpecs:
    """Refuses what callers may not submit."""

    kinds: Mapping[str, JobKind]
    max_payload_bytes: int

    def __call__(
        self, specs: Mapping[str, JobSpec], *, alone: bool = False
    ) -> Mapping[str, JobKind]:
        """Returns the kind of each spec by its path in the request, such as `jobs[3]`.

        Raises RefusedError with JOB_KIND_UNKNOWN or FIELDS_INVALID. Only a job that is
        submitted `alone` may turn out to be there already.
        """
        kinds = {path: self._kind(spec) for path, spec in specs.items()}
        faults = chain(
            (
                fault
                for path, spec in specs.items()
                for fault in self._faults(path, spec, kinds[path])
            ),
            () if alone else _faults_of_keys(specs),
        )
        if found := list(islice(faults, MOST_FAULTS)):
            raise RefusedError(fields_invalid(found))
        return kinds

    def _kind(self, spec: JobSpec) -> JobKind:
        kind = self.kinds.get(spec.kind)
        if kind is None or kind.check_payload is None:
            raise RefusedError(
                Failure(
                    Reason.JOB_KIND_UNKNOWN,
                    f"There is no kind of job {spec.kind!r} that callers may submit.",
                    {"kind": spec.kind},
                )
            )
        return kind

    def _faults(self, path: str, spec: JobSpec, kind: JobKind) -> Iterator[FieldViolation]:
        size = len(json_text(spec.payload).encode("utf-8"))
        if size > self.max_payload_bytes:
            yield FieldViolation(
                f"{path}.payload", f"must have at most {self.max_payload_bytes} bytes as JSON"
            )
        else:
            for fault in payload_faults(kind, spec.payload):
                place = f"{path}.payload.{fault.field}".rstrip(".")
                yield FieldViolation(place, fault.description)
        yield from _faults_of_time(path, spec)


def payload_faults(kind: JobKind, payload: Mapping[str, Any]) -> Sequence[FieldViolation]:
    """Returns what is wrong with a payload, by the path in it."""
    return () if kind.check_payload is None else kind.check_payload(payload)


def _faults_of_time(path: str, spec: JobSpec) -> Iterator[FieldViolation]:
    longest, expiry = LONGEST_DELAY.total_seconds(), spec.expire_after_seconds
    if spec.run_at is not None and spec.delay_seconds:
        yield FieldViolation(f"{path}.run_time", "must not be given together with delay")
    if not 0 <= spec.delay_seconds <= longest:
        yield FieldViolation(f"{path}.delay", f"must be from 0 to {LONGEST_DELAY.days} days")
    wait = spec.wait_seconds()
    if spec.run_at is not None and wait > longest:
        yield FieldViolation(f"{path}.run_time", f"must be at most {LONGEST_DELAY.days} days ahead")
    if expiry is not None and not wait < expiry <= 2 * longest:
        yield FieldViolation(
            f"{path}.expire_after",
            "must be more than the time the job waits to begin, and at most two years",
        )


def _faults_of_keys(specs: Mapping[str, JobSpec]) -> Iterator[FieldViolation]:
    seen: set[tuple[str, str]] = set()
    for path, spec in specs.items():
        if spec.unique is None:
            continue
        if spec.unique.policy is not UniquePolicy.REFUSE:
            yield FieldViolation(f"{path}.unique.policy", "must be REFUSE in a batch or a chain")
        if (spec.kind, spec.unique.key) in seen:
            yield FieldViolation(f"{path}.unique.key", "is the key of another job of the request")
        seen.add((spec.kind, spec.unique.key))


def job_exists(job: Job | None = None) -> Failure:
    """Says that a job with the unique key has not ended; which one, where that is known."""
    if job is None:
        return Failure(Reason.JOB_EXISTS, "Another job has the unique key and has not ended.")
    return Failure(
        Reason.JOB_EXISTS,
        f"Job {job.job_id!r} of kind {job.kind!r} has the unique key {job.unique_key!r} and has"
        " not ended.",
        {"job_id": job.job_id, "kind": job.kind, "unique_key": job.unique_key or ""},
    )
