"""Submits jobs that are counted together, and a job that follows the last of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.context import Context
from core.failures import field_invalid
from core.jobs import batch_store
from core.jobs.batch import Batch
from core.jobs.spec import CheckSpecs, JobSpec
from core.jobs.submission import NewJob, insert_new, new_ids
from core.platform.database import Database
from core.result import Err, Result


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """Asks for a batch. The callback runs when the last of its jobs has ended, however it did."""

    specs: Sequence[JobSpec]
    callback: JobSpec | None = None


@dataclass(frozen=True, slots=True)
class SubmittedBatch:
    """Is the batch, with the ids of its jobs in the order in which they were asked for."""

    batch: Batch
    job_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class SubmitBatch:
    """Submits all jobs or none; fails as SubmitOne does."""

    database: Database
    check: CheckSpecs
    max_jobs: int
    max_waiting_jobs_per_tenant: int

    def __call__(self, context: Context, order: BatchOrder) -> Result[SubmittedBatch]:
        """Writes the jobs in one statement, whatever their number, with the batch before them."""
        with self.database.begin(context) as unit:
            if len(order.specs) > self.max_jobs:
                return Err(field_invalid("jobs", f"must have at most {self.max_jobs} items"))
            specs = {f"jobs[{number}]": spec for number, spec in enumerate(order.specs)}
            if order.callback is not None:
                specs["callback"] = order.callback
            kinds = self.check(specs)
            batch_id, *ids, callback_id = new_ids(2 + len(order.specs))
            jobs = [
                NewJob(job_id, spec, kinds[f"jobs[{number}]"], batch_id=batch_id)
                for number, (job_id, spec) in enumerate(zip(ids, order.specs, strict=True))
            ]
            if order.callback is not None:
                jobs.append(NewJob(callback_id, order.callback, kinds["callback"], held=True))
            batch = batch_store.insert(
                unit,
                batch_id,
                jobs=len(ids),
                callback_job_id=None if order.callback is None else callback_id,
            )
            insert_new(unit, jobs, most_waiting=self.max_waiting_jobs_per_tenant)
            return unit.commit(SubmittedBatch(batch, ids))
