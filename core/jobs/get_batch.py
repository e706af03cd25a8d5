"""Gets one batch of the tenant."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import not_found
from core.jobs import batch_store
from core.jobs.batch import Batch
from core.platform.database import Database
from core.result import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class GetBatch:
    """Answers with the batch as it is."""

    database: Database

    def __call__(self, context: Context, batch_id: str) -> Result[Batch]:
        """Returns the batch, or RESOURCE_NOT_FOUND, also for another tenant's."""
        row = self.database.read_one(
            context, batch_store.GET, {"tenant_id": context.tenant_id, "batch_id": batch_id}
        )
        return Err(not_found("batch", batch_id)) if row is None else Ok(batch_store.batch_from(row))
