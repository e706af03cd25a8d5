"""Gets one endpoint of the tenant, and lists them."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import Failure, not_found
from core.page import Page, PageRequest, page_of
from core.platform.database import Database
from core.result import Err, Result
from core.webhooks import store
from core.webhooks.endpoint import Endpoint

SCOPE = "webhook endpoints"


@dataclass(frozen=True, slots=True)
class GetEndpoint:
    """Answers with one endpoint."""

    database: Database

    def __call__(self, context: Context, endpoint_id: str) -> Result[Endpoint]:
        """Returns the endpoint, or RESOURCE_NOT_FOUND, also for another tenant's."""
        with self.database.begin(context) as unit:
            endpoint = store.get(unit, endpoint_id)
            if endpoint is None:
                return Err(no_endpoint(endpoint_id))
            return unit.commit(endpoint)


@dataclass(frozen=True, slots=True)
class ListEndpoints:
    """Answers with a page of endpoints, the oldest first."""

    database: Database

    def __call__(self, context: Context, query: PageRequest) -> Result[Page[Endpoint]]:
        """Returns the page; raises RefusedError for a page token that is not ours."""
        after = query.after(SCOPE)
        with self.database.begin(context) as unit:
            found = store.list_oldest(
                unit, after=after[0] if after else None, limit=query.limit + 1
            )
            return unit.commit(page_of(found, query, SCOPE, lambda one: one.endpoint_id))


def no_endpoint(endpoint_id: str) -> Failure:
    """Says that the tenant has no such endpoint."""
    return not_found("webhook endpoint", endpoint_id)
