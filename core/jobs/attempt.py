"""Is what a handler is given: one attempt of one job, bound to its tenant."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from core.context import Context, Principal
from core.jobs import batch_store, store
from core.jobs.batch import Batch
from core.jobs.job import Job, Progress
from core.jobs.kind import JobKind, JobStoppedError
from core.jobs.lease import YIELDS, Lease, StopReason
from core.platform.database import Database
from core.platform.unit_of_work import UnitOfWork


class Attempt:
    """Implements `core.jobs.kind.JobRun`."""

    def __init__(
        self, database: Database, job: Job, kind: JobKind, lease: Lease, *, lease_seconds: float
    ) -> None:
        self._database = database
        self._job = job
        self._lease = lease
        self._lease_seconds = lease_seconds
        self._checkpoint = job.checkpoint
        self.saved = False
        self._saved_while_draining = False
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._context = Context(
            # The door has checked what the submitter may do; nothing here asks again.
            principal=Principal(job.key_id, frozenset({job.tenant_id}), job.roles, frozenset()),
            tenant_id=job.tenant_id,
            correlation_id=job.correlation_id,
            deadline=time.monotonic() + kind.time_limit_seconds,
            traceparent=job.traceparent,
        )

    @property
    def job_id(self) -> str:
        """Returns the id; it is the idempotency key for effects outside our database."""
        return self._job.job_id

    @property
    def payload(self) -> Mapping[str, Any]:
        """Returns what the submitter wrote down."""
        return self._job.payload

    @property
    def checkpoint(self) -> Mapping[str, Any] | None:
        """Returns what an earlier attempt saved last, or None."""
        return self._checkpoint

    @cached_property
    def previous(self) -> Job | Batch | None:
        """Returns the step before this one in its chain, or the batch that this one was called by.

        It is read when it is first asked for; None where there is neither, or not any more.
        """
        with self.begin() as unit:
            return batch_store.step_before(unit, self.job_id) or batch_store.called_by(
                unit, self.job_id
            )

    @property
    def context(self) -> Context:
        """Returns the tenant, the principal that submitted, the correlation id and the deadline."""
        return self._context

    @property
    def directory(self) -> Path:
        """Returns an empty directory of this attempt, removed when it ends."""
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(
                prefix="howdah-job-", ignore_cleanup_errors=True
            )
        return Path(self._directory.name)

    def begin(self) -> UnitOfWork:
        """Opens a transaction of the tenant for a part of the work."""
        return self._database.begin(self._context)

    def save(self, unit: UnitOfWork, checkpoint: Mapping[str, Any]) -> None:
        """Writes the checkpoint in `unit`'s transaction, fenced by the epoch.

        Raises JobStoppedError where the attempt has to end; nothing of `unit` is written then. A
        worker that drains lets one last save through: the work is done, so it is kept. Called last
        before the commit, as it locks the job's row.
        """
        reason = self._reason()
        draining = reason in YIELDS
        if reason is not None and not (draining and not self._saved_while_draining):
            raise JobStoppedError(reason.value)
        self._saved_while_draining = draining
        if not store.save_checkpoint(
            unit, self._job, checkpoint, lease_seconds=self._lease_seconds
        ):
            self._lease.stop(StopReason.LEASE_LOST)
            raise JobStoppedError(StopReason.LEASE_LOST.value)
        self.saved = True

    def progress(self, phase: str, done: int, total: int = 0, message: str = "") -> None:
        """Tells how far the work is; at most one write a second reaches the database."""
        self._lease.tell(Progress(phase, done, total, message))

    def proceed(self) -> None:
        """Raises JobStoppedError where the attempt has to end; called between pieces of work."""
        reason = self._reason()
        if reason is not None:
            raise JobStoppedError(reason.value)

    def close(self) -> None:
        """Removes the directory."""
        if self._directory is not None:
            self._directory.cleanup()

    def _reason(self) -> StopReason | None:
        if time.monotonic() >= self._context.deadline:
            self._lease.stop(StopReason.TIMED_OUT)
        return self._lease.stop_reason
