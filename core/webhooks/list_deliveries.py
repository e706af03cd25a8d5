"""Lists deliveries with every try, newest first."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.context import Context
from core.page import Page, PageRequest, page_of
from core.platform.database import Database
from core.result import Result
from core.webhooks import delivery_store
from core.webhooks.delivery import Delivery, DeliveryState


@dataclass(frozen=True, slots=True)
class DeliveriesQuery:
    """Asks for a page of deliveries; None means any."""

    endpoint_id: str | None = None
    message_id: str | None = None
    state: DeliveryState | None = None
    page: PageRequest = field(default_factory=PageRequest)

    @property
    def scope(self) -> str:
        """Names the list, so that a page token of another list is refused."""
        filters = (self.endpoint_id, self.message_id, self.state)
        return ":".join(["webhook deliveries", *(part or "" for part in filters)])


@dataclass(frozen=True, slots=True)
class ListDeliveries:
    """Answers with a page of deliveries."""

    database: Database

    def __call__(self, context: Context, query: DeliveriesQuery) -> Result[Page[Delivery]]:
        """Returns the page; raises RefusedError for a page token that is not ours."""
        after = query.page.after(query.scope)
        with self.database.begin(context) as unit:
            found = delivery_store.list_newest(
                unit,
                endpoint_id=query.endpoint_id,
                message_id=query.message_id,
                state=query.state,
                before=after[0] if after else None,
                limit=query.page.limit + 1,
            )
            return unit.commit(page_of(found, query.page, query.scope, lambda one: one.delivery_id))
