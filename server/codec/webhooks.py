"""Turns messages of webhooks into commands, and values into messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration

from core.page import Page, PageRequest
from core.webhooks.create_endpoint import NewEndpoint
from core.webhooks.delivery import Delivery, DeliveryAttempt, DeliveryState
from core.webhooks.endpoint import Endpoint, Filter, IssuedEndpoint
from core.webhooks.list_deliveries import DeliveriesQuery
from core.webhooks.redeliver import MOST_DELIVERIES, MessageAgain, RangeAgain, RangeRedelivered
from core.webhooks.rotate_secret import DEFAULT_OVERLAP, SecretRotation
from core.webhooks.update_endpoint import EndpointChange
from howdah.webhooks.v1 import webhooks_pb2 as pb
from server.codec.common import time_of, timestamp


def new_endpoint(request: pb.CreateEndpointRequest) -> NewEndpoint:
    """Reads a command."""
    return NewEndpoint(request.url, request.description, _filter(request.filter))


def endpoint_id(
    request: pb.GetEndpointRequest | pb.DeleteEndpointRequest | pb.SendTestEventRequest,
) -> str:
    """Reads the id that is all there is to the request."""
    return request.endpoint_id


def endpoint_page(request: pb.ListEndpointsRequest) -> PageRequest:
    """Reads a query."""
    return PageRequest(request.page_size, request.page_token)


def endpoint_change(request: pb.UpdateEndpointRequest) -> EndpointChange:
    """Reads a command; what is not set stays as it is."""
    return EndpointChange(
        request.endpoint_id,
        url=request.url if request.HasField("url") else None,
        description=request.description if request.HasField("description") else None,
        filter=_filter(request.filter) if request.HasField("filter") else None,
        enabled=request.enabled if request.HasField("enabled") else None,
    )


def rotation(request: pb.RotateSecretRequest) -> SecretRotation:
    """Reads a command."""
    overlap = DEFAULT_OVERLAP
    if request.HasField("overlap"):
        overlap = timedelta(seconds=request.overlap.seconds)
    return SecretRotation(request.endpoint_id, overlap)


def deliveries_query(request: pb.ListDeliveriesRequest) -> DeliveriesQuery:
    """Reads a query."""
    state = None
    if request.state != pb.DELIVERY_STATE_UNSPECIFIED:
        name = pb.DeliveryState.Name(request.state).removeprefix("DELIVERY_STATE_")
        state = DeliveryState[name]
    return DeliveriesQuery(
        request.endpoint_id or None,
        request.message_id or None,
        state,
        PageRequest(request.page_size, request.page_token),
    )


def message_again(request: pb.RedeliverMessageRequest) -> MessageAgain:
    """Reads a command."""
    return MessageAgain(request.message_id, request.endpoint_id or None)


def range_again(request: pb.RedeliverRangeRequest) -> RangeAgain:
    """Reads a command; refuses with FIELDS_INVALID what is no time."""
    end = datetime.now(UTC)
    if request.HasField("end_time"):
        end = time_of(request.end_time, "end_time")
    return RangeAgain(
        time_of(request.start_time, "start_time"),
        end,
        endpoint_id=request.endpoint_id or None,
        only_failed=request.only_failed,
        most=request.max_deliveries or MOST_DELIVERIES,
        dry_run=request.dry_run,
    )


def endpoint(value: Endpoint) -> pb.Endpoint:
    """Writes an endpoint."""
    return pb.Endpoint(
        endpoint_id=value.endpoint_id,
        url=value.url,
        description=value.description,
        filter=pb.EventFilter(
            event_types=value.filter.event_types, job_kinds=value.filter.job_kinds
        ),
        enabled=value.disabled_at is None,
        disable_time=timestamp(value.disabled_at),
        disabled_reason=value.disabled_reason,
        failures_in_row=value.failures_in_row,
        fail_time=timestamp(value.failing_since),
        pause_end_time=timestamp(value.paused_until),
        old_secret_expire_time=timestamp(value.old_secret_until),
        create_time=timestamp(value.created_at),
        update_time=timestamp(value.updated_at),
    )


def delivery(value: Delivery) -> pb.Delivery:
    """Writes a delivery with its tries."""
    return pb.Delivery(
        delivery_id=value.delivery_id,
        message_id=value.message_id,
        endpoint_id=value.endpoint_id,
        event_type=value.event_type,
        subject_job_id=value.subject_job_id or "",
        job_id=value.job_id,
        state=pb.DeliveryState.Value(f"DELIVERY_STATE_{value.state.name}"),
        attempts=[_attempt(attempt) for attempt in value.attempts],
        create_time=timestamp(value.created_at),
        finish_time=timestamp(value.finished_at),
        next_attempt_time=timestamp(value.next_at),
    )


def created(value: IssuedEndpoint) -> pb.CreateEndpointResponse:
    """Writes an answer, with the secret."""
    return pb.CreateEndpointResponse(endpoint=endpoint(value.endpoint), secret=value.secret)


def found(value: Endpoint) -> pb.GetEndpointResponse:
    """Writes an answer."""
    return pb.GetEndpointResponse(endpoint=endpoint(value))


def endpoints(page: Page[Endpoint]) -> pb.ListEndpointsResponse:
    """Writes a page."""
    return pb.ListEndpointsResponse(
        endpoints=[endpoint(item) for item in page.items], next_page_token=page.next_token
    )


def updated(value: Endpoint) -> pb.UpdateEndpointResponse:
    """Writes an answer."""
    return pb.UpdateEndpointResponse(endpoint=endpoint(value))


def deleted(_value: None) -> pb.DeleteEndpointResponse:
    """Writes an answer."""
    return pb.DeleteEndpointResponse()


def rotated(value: IssuedEndpoint) -> pb.RotateSecretResponse:
    """Writes an answer, with the new secret."""
    return pb.RotateSecretResponse(endpoint=endpoint(value.endpoint), secret=value.secret)


def tested(value: Delivery) -> pb.SendTestEventResponse:
    """Writes an answer."""
    return pb.SendTestEventResponse(delivery=delivery(value))


def deliveries(page: Page[Delivery]) -> pb.ListDeliveriesResponse:
    """Writes a page."""
    return pb.ListDeliveriesResponse(
        deliveries=[delivery(item) for item in page.items], next_page_token=page.next_token
    )


def redelivered(values: Sequence[Delivery]) -> pb.RedeliverMessageResponse:
    """Writes an answer."""
    return pb.RedeliverMessageResponse(deliveries=[delivery(value) for value in values])


def range_redelivered(value: RangeRedelivered) -> pb.RedeliverRangeResponse:
    """Writes an answer."""
    return pb.RedeliverRangeResponse(
        redeliveries=[
            pb.Redelivery(message_id=message, endpoint_id=to) for message, to in value.pairs
        ],
        more=value.more,
    )


def _filter(message: pb.EventFilter) -> Filter:
    return Filter(tuple(message.event_types), tuple(message.job_kinds))


def _attempt(value: DeliveryAttempt) -> pb.DeliveryAttempt:
    duration = Duration()
    duration.FromMilliseconds(value.duration_ms)
    return pb.DeliveryAttempt(
        number=value.number,
        start_time=timestamp(value.started_at),
        duration=duration,
        status=value.status or 0,
        error=value.error,
        answer=value.answer,
    )
