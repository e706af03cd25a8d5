"""Sends a message that tells of nothing, to see whether it arrives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
import uuid_utils

from core.context import Context
from core.platform.database import Database
from core.result import Err, Result
from core.webhooks import delivery_store, store
from core.webhooks.deliver import disabled
from core.webhooks.delivery import Delivery
from core.webhooks.endpoint import TEST_EVENT
from core.webhooks.read_endpoints import no_endpoint


@dataclass(frozen=True, slots=True)
class SendTestEvent:
    """Starts the delivery of a test, whatever the endpoint's filter and failures."""

    database: Database

    def __call__(self, context: Context, endpoint_id: str) -> Result[Delivery]:
        """Returns the delivery, which may still be under way."""
        message_id = str(uuid_utils.uuid7())
        with self.database.begin(context) as unit:
            endpoint = store.get(unit, endpoint_id)
            if endpoint is None:
                return Err(no_endpoint(endpoint_id))
            if endpoint.disabled_at is not None:
                return Err(disabled(endpoint_id, endpoint.disabled_reason))
            delivery_store.insert_test_message(unit, message_id, _body(context, endpoint_id))
            [delivery] = delivery_store.start(unit, [(message_id, endpoint_id)])
            return unit.commit(delivery)


def _body(context: Context, endpoint_id: str) -> str:
    return orjson.dumps(
        {
            "type": TEST_EVENT,
            "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            "data": {
                "tenant_id": context.tenant_id,
                "endpoint_id": endpoint_id,
                "correlation_id": context.correlation_id,
            },
        }
    ).decode("utf-8")
