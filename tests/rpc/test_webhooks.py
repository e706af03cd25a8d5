from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeVar

import pytest
from google.protobuf.message import Message

from core.jobs.job import Job
from core.result import Ok
from howdah.webhooks.v1 import webhooks_pb2 as pb
from tests.conftest import context_of
from tests.rpc.conftest import Answer, Caller, RunningNode, an_idempotency_key

M = TypeVar("M", bound=Message)

SERVICE = "/howdah.webhooks.v1.WebhooksService"
URL = "https://receiver.example/hooks"


def answer_of(caller: Caller, method: str, request: Message) -> Answer:
    return caller.call(f"{SERVICE}/{method}", request)


def ask(caller: Caller, method: str, request: Message, response: type[M]) -> M:
    answer = answer_of(caller, method, request)
    assert answer.code == "OK", answer
    return response.FromString(answer.messages[0])


def create(caller: Caller, url: str = URL, **filters: list[str]) -> pb.CreateEndpointResponse:
    request = pb.CreateEndpointRequest(
        url=url,
        description="note",
        filter=pb.EventFilter(**filters),
    )
    return ask(caller, "CreateEndpoint", request, pb.CreateEndpointResponse)


def listed(caller: Caller, **filters: object) -> list[pb.Delivery]:
    request = pb.ListDeliveriesRequest(**filters)  # type: ignore[arg-type]
    return list(ask(caller, "ListDeliveries", request, pb.ListDeliveriesResponse).deliveries)


@pytest.fixture(autouse=True)
def no_endpoints(running: RunningNode) -> Iterator[None]:
    """Leaves the node as it was: other tests of the file begin without endpoints."""
    yield
    for caller in (running.acme, running.globex):
        found = ask(caller, "ListEndpoints", pb.ListEndpointsRequest(), pb.ListEndpointsResponse)
        for endpoint in found.endpoints:
            request = pb.DeleteEndpointRequest(endpoint_id=endpoint.endpoint_id)
            ask(caller, "DeleteEndpoint", request, pb.DeleteEndpointResponse)


def cancelled_job(running: RunningNode) -> Job:
    """Ends a job without a worker."""
    context = context_of("acme")
    with running.node.database.begin(context) as unit:
        job = running.node.jobs.submit(unit, kind="records.import", payload={}, delay_seconds=60.0)
        unit.commit(job)
    cancelled = running.node.jobs.cancel(context, job.job_id)
    assert isinstance(cancelled, Ok)
    return cancelled.value


def test_an_endpoint_is_told_with_everything_the_contract_promises(running: RunningNode) -> None:
    made = create(running.acme, event_types=["job.dead"], job_kinds=["records.import"])
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", made.secret)
    endpoint = made.endpoint
    assert (endpoint.url, endpoint.description, endpoint.enabled) == (URL, "note", True)
    assert list(endpoint.filter.event_types) == ["job.dead"]
    assert list(endpoint.filter.job_kinds) == ["records.import"]
    assert endpoint.HasField("create_time")
    assert not endpoint.HasField("disable_time")

    get = pb.GetEndpointRequest(endpoint_id=endpoint.endpoint_id)
    found = ask(running.acme, "GetEndpoint", get, pb.GetEndpointResponse)
    assert found.endpoint == endpoint
    pages = ask(running.acme, "ListEndpoints", pb.ListEndpointsRequest(), pb.ListEndpointsResponse)
    assert list(pages.endpoints) == [endpoint]


def test_endpoints_are_listed_page_by_page(running: RunningNode) -> None:
    made = [create(running.acme, f"{URL}/{number}").endpoint.endpoint_id for number in range(3)]
    request = pb.ListEndpointsRequest(page_size=2)
    first = ask(running.acme, "ListEndpoints", request, pb.ListEndpointsResponse)
    request.page_token = first.next_page_token
    rest = ask(running.acme, "ListEndpoints", request, pb.ListEndpointsResponse)

    assert [e.endpoint_id for e in (*first.endpoints, *rest.endpoints)] == made
    assert rest.next_page_token == ""


@pytest.mark.parametrize(
    ("request_", "reason", "fields"),
    [
        (pb.CreateEndpointRequest(url="http://receiver.example"), "WEBHOOK_ADDRESS_REFUSED", ()),
        (pb.CreateEndpointRequest(url="https://10.0.0.1/"), "WEBHOOK_ADDRESS_REFUSED", ()),
        (pb.CreateEndpointRequest(), "FIELDS_INVALID", ("url",)),
        (
            pb.CreateEndpointRequest(url=URL, filter=pb.EventFilter(event_types=["job.unheard"])),
            "FIELDS_INVALID",
            ("filter.event_types[0]",),
        ),
        (
            pb.CreateEndpointRequest(url=URL, filter=pb.EventFilter(job_kinds=["k" * 101])),
            "FIELDS_INVALID",
            ("filter.job_kinds[0]",),
        ),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused(
    running: RunningNode, request_: Message, reason: str, fields: tuple[str, ...]
) -> None:
    answer = answer_of(running.acme, "CreateEndpoint", request_)

    assert (answer.code, answer.reason, answer.fields) == ("INVALID_ARGUMENT", reason, fields)


def test_only_what_is_set_in_an_update_changes(running: RunningNode) -> None:
    endpoint = create(running.acme, event_types=["job.dead"]).endpoint

    def update(**changes: object) -> pb.Endpoint:
        request = pb.UpdateEndpointRequest(endpoint_id=endpoint.endpoint_id, **changes)  # type: ignore[arg-type]
        return ask(running.acme, "UpdateEndpoint", request, pb.UpdateEndpointResponse).endpoint

    off = update(enabled=False)
    assert (off.enabled, off.disabled_reason) == (False, "Disabled by its owner.")
    assert (off.url, off.description, off.filter) == (URL, "note", endpoint.filter)
    assert update(description="").description == ""
    assert update(filter=pb.EventFilter()).filter == pb.EventFilter()
    on = update(enabled=True, url=f"{URL}/new")
    assert (on.enabled, on.disabled_reason, on.url) == (True, "", f"{URL}/new")


def test_a_new_secret_is_shown_and_the_old_one_has_an_end(running: RunningNode) -> None:
    made = create(running.acme)
    request = pb.RotateSecretRequest(endpoint_id=made.endpoint.endpoint_id)
    rotated = ask(running.acme, "RotateSecret", request, pb.RotateSecretResponse)

    assert rotated.secret.startswith("whsec_")
    assert rotated.secret != made.secret
    hours = rotated.endpoint.old_secret_expire_time.seconds - rotated.endpoint.update_time.seconds
    assert hours == 24 * 3_600
    request.overlap.FromSeconds(8 * 24 * 3_600)
    assert answer_of(running.acme, "RotateSecret", request).fields == ("overlap",)


def test_a_test_and_the_end_of_a_job_are_listed_as_deliveries(running: RunningNode) -> None:
    endpoint_id = create(running.acme).endpoint.endpoint_id
    request = pb.SendTestEventRequest(endpoint_id=endpoint_id, idempotency_key=an_idempotency_key())
    test = ask(running.acme, "SendTestEvent", request, pb.SendTestEventResponse).delivery
    assert ask(running.acme, "SendTestEvent", request, pb.SendTestEventResponse).delivery == test
    job = cancelled_job(running)

    told, first = listed(running.acme)
    assert first == test
    assert (test.event_type, test.subject_job_id) == ("webhook.test", "")
    assert (told.event_type, told.subject_job_id) == ("job.cancelled", job.job_id)
    assert told.state == pb.DELIVERY_STATE_PENDING
    assert told.HasField("next_attempt_time")
    assert listed(running.acme, message_id=told.message_id) == [told]
    assert listed(running.acme, endpoint_id=endpoint_id, state=pb.DELIVERY_STATE_FAILED) == []
    assert listed(running.globex) == []


def test_messages_are_delivered_again_one_by_one_and_by_time(running: RunningNode) -> None:
    endpoint_id = create(running.acme).endpoint.endpoint_id
    cancelled_job(running)
    [told] = listed(running.acme)
    request = pb.RedeliverMessageRequest(message_id=told.message_id)
    again = ask(running.acme, "RedeliverMessage", request, pb.RedeliverMessageResponse)
    assert [d.message_id for d in again.deliveries] == [told.message_id]

    within = pb.RedeliverRangeRequest(start_time=told.create_time, dry_run=True)
    within.start_time.seconds -= 60
    dry = ask(running.acme, "RedeliverRange", within, pb.RedeliverRangeResponse)
    assert list(dry.redeliveries) == []  # still under way
    for delivery in listed(running.acme):
        running.node.jobs.cancel(context_of("acme"), delivery.job_id)
    dry = ask(running.acme, "RedeliverRange", within, pb.RedeliverRangeResponse)
    pair = pb.Redelivery(message_id=told.message_id, endpoint_id=endpoint_id)
    assert (list(dry.redeliveries), dry.more) == ([pair], False)
    within.dry_run = False
    within.idempotency_key = an_idempotency_key()
    for _ in range(2):
        real = ask(running.acme, "RedeliverRange", within, pb.RedeliverRangeResponse)
        assert list(real.redeliveries) == [pair]
    assert len(listed(running.acme)) == 3


def test_only_an_administrator_changes_endpoints_and_everybody_reads(running: RunningNode) -> None:
    create(running.acme)
    editor = running.caller(("acme",), "editor", "acme")

    for caller in (running.viewer, editor):
        refused = answer_of(caller, "CreateEndpoint", pb.CreateEndpointRequest(url=f"{URL}/2"))
        assert refused.reason == "PERMISSION_MISSING"
        found = ask(caller, "ListEndpoints", pb.ListEndpointsRequest(), pb.ListEndpointsResponse)
        assert len(found.endpoints) == 1


def test_the_limit_of_endpoints_is_told_and_kept(running: RunningNode) -> None:
    most = running.node.settings.max_webhook_endpoints_per_tenant
    for number in range(most):
        create(running.acme, f"{URL}/{number}")
    answer = answer_of(running.acme, "CreateEndpoint", pb.CreateEndpointRequest(url=URL))

    assert (answer.code, answer.reason) == ("RESOURCE_EXHAUSTED", "TENANT_LIMIT_REACHED")
    assert answer.metadata["limit"] == str(most)
