"""Answers the calls of WebhooksService."""

from __future__ import annotations

from core.webhooks.use_cases import Webhooks
from howdah.webhooks.v1 import webhooks_pb2 as pb
from server.codec import webhooks as codec
from server.service import Service, Unary


def webhooks_service(webhooks: Webhooks) -> Service:
    """Returns the table of the service."""
    return Service(
        pb.DESCRIPTOR.services_by_name["WebhooksService"],
        {
            "CreateEndpoint": Unary(codec.new_endpoint, webhooks.create, codec.created),
            "GetEndpoint": Unary(codec.endpoint_id, webhooks.get, codec.found),
            "ListEndpoints": Unary(codec.endpoint_page, webhooks.list, codec.endpoints),
            "UpdateEndpoint": Unary(codec.endpoint_change, webhooks.update, codec.updated),
            "DeleteEndpoint": Unary(codec.endpoint_id, webhooks.delete, codec.deleted),
            "RotateSecret": Unary(codec.rotation, webhooks.rotate, codec.rotated),
            "SendTestEvent": Unary(codec.endpoint_id, webhooks.test, codec.tested),
            "ListDeliveries": Unary(codec.deliveries_query, webhooks.deliveries, codec.deliveries),
            "RedeliverMessage": Unary(codec.message_again, webhooks.redeliver, codec.redelivered),
            "RedeliverRange": Unary(
                codec.range_again, webhooks.redeliver_range, codec.range_redelivered
            ),
        },
    )
