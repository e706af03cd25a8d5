"""Cancels the jobs of a batch, or asks them to stop where they run."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import not_found
from core.jobs import batch_store
from core.jobs.batch import Batch
from core.platform.database import Database
from core.result import Err, Result


@dataclass(frozen=True, slots=True)
class CancelBatchCommand:
    """Says which batch, and whether its callback is to be cancelled too."""

    batch_id: str
    with_callback: bool = False


@dataclass(frozen=True, slots=True)
class CancelBatch:
    """Answers with the batch as the cancellation left it: what runs is still open."""

    database: Database

    def __call__(self, context: Context, command: CancelBatchCommand) -> Result[Batch]:
        """Cancels what has not ended; without `with_callback`, the callback runs after the last."""
        with self.database.begin(context) as unit:
            batch = batch_store.get(unit, command.batch_id)
            if batch is None:
                return Err(not_found("batch", command.batch_id))
            # The jobs first: whoever ends the last of them locks batch and callback after it.
            batch_store.ask_to_cancel_jobs(unit, batch.batch_id)
            if command.with_callback and batch.callback_job_id is not None:
                batch_store.cancel_unbegun(unit, batch.callback_job_id)
            batch_store.count_now(unit)
            return unit.commit(batch_store.get(unit, batch.batch_id) or batch)
