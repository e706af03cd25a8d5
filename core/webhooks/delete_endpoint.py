"""Deletes an endpoint with the log of its deliveries."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.platform.database import Database
from core.result import Err, Result
from core.webhooks import store
from core.webhooks.read_endpoints import no_endpoint


@dataclass(frozen=True, slots=True)
class DeleteEndpoint:
    """Deletes an endpoint. Deliveries that have not been made yet are given up."""

    database: Database

    def __call__(self, context: Context, endpoint_id: str) -> Result[None]:
        """Returns nothing, or RESOURCE_NOT_FOUND."""
        with self.database.begin(context) as unit:
            if not store.delete(unit, endpoint_id):
                return Err(no_endpoint(endpoint_id))
            return unit.commit(None)
