"""Delivers messages again: one by its id, or those of a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.context import Context
from core.failures import Failure, not_found
from core.platform.database import Database
from core.platform.unit_of_work import UnitOfWork
from core.reasons import Reason
from core.result import Err, Ok, Result
from core.webhooks import delivery_store, store
from core.webhooks.deliver import disabled
from core.webhooks.delivery import Delivery
from core.webhooks.read_endpoints import no_endpoint

MOST_DELIVERIES = 1_000


@dataclass(frozen=True, slots=True)
class MessageAgain:
    """Asks for one message again; `endpoint_id` None means the endpoints that it went to."""

    message_id: str
    endpoint_id: str | None = None


@dataclass(frozen=True, slots=True)
class RedeliverMessage:
    """Starts another delivery under the same webhook-id, also to an endpoint that is new to it."""

    database: Database

    def __call__(self, context: Context, command: MessageAgain) -> Result[Sequence[Delivery]]:
        """Returns the new deliveries."""
        with self.database.begin(context) as unit:
            if not delivery_store.message_exists(unit, command.message_id):
                return Err(not_found("webhook message", command.message_id))
            if command.endpoint_id is None:
                endpoints = delivery_store.endpoints_told(unit, command.message_id)
                if not endpoints:
                    return Err(NOBODY_LEFT)
            else:
                usable = _usable(unit, command.endpoint_id)
                if isinstance(usable, Err):
                    return usable
                endpoints = [command.endpoint_id]
            pairs = [(command.message_id, endpoint_id) for endpoint_id in endpoints]
            return unit.commit(delivery_store.start(unit, pairs))


@dataclass(frozen=True, slots=True)
class RangeAgain:
    """Asks for the messages from `start` to before `end`; `endpoint_id` None means any endpoint."""

    start: datetime
    end: datetime
    endpoint_id: str | None = None
    only_failed: bool = False
    most: int = MOST_DELIVERIES
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class RangeRedelivered:
    """Is what was started or would be, as message and endpoint, and whether there is more."""

    pairs: Sequence[delivery_store.Pair]
    more: bool


@dataclass(frozen=True, slots=True)
class RedeliverRange:
    """Starts deliveries of all that has ended, the oldest first, to endpoints that are enabled."""

    database: Database

    def __call__(self, context: Context, command: RangeAgain) -> Result[RangeRedelivered]:
        """Returns what was started; a dry run changes nothing."""
        with self.database.begin(context) as unit:
            if command.endpoint_id is not None:
                usable = _usable(unit, command.endpoint_id)
                if isinstance(usable, Err):
                    return usable
            found = delivery_store.list_ended(
                unit,
                {
                    "start": command.start,
                    "end": command.end,
                    "endpoint_id": command.endpoint_id,
                    "only_failed": command.only_failed,
                },
                limit=command.most + 1,
            )
            chosen = found[: command.most]
            if not command.dry_run:
                delivery_store.start(unit, chosen)
            return unit.commit(RangeRedelivered(chosen, more=len(found) > command.most))


def _usable(unit: UnitOfWork, endpoint_id: str) -> Result[None]:
    endpoint = store.get(unit, endpoint_id)
    if endpoint is None:
        return Err(no_endpoint(endpoint_id))
    if endpoint.disabled_at is not None:
        return Err(disabled(endpoint_id, endpoint.disabled_reason))
    return Ok(None)


NOBODY_LEFT = Failure(
    Reason.WEBHOOK_ENDPOINT_DISABLED,
    "Every endpoint that the message went to is disabled or deleted.",
)
