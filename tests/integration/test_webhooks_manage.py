"""Endpoints are kept, changed and limited for each tenant; messages are sent again on demand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.config import Settings
from core.context import Context
from core.page import PageRequest
from core.result import Err, Ok, Result
from core.webhooks.create_endpoint import NewEndpoint
from core.webhooks.delivery import Delivery, DeliveryState
from core.webhooks.endpoint import Endpoint, Filter
from core.webhooks.list_deliveries import DeliveriesQuery
from core.webhooks.redeliver import MessageAgain, RangeAgain, RangeRedelivered
from core.webhooks.rotate_secret import SecretRotation
from core.webhooks.update_endpoint import EndpointChange
from tests.conftest import Databases
from tests.jobs_lab import Lab, open_lab, ticket
from tests.webhook_lab import WebhookLab, webhook_lab
from tests.webhook_receiver import Receiver, answer, receiving

NOWHERE = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        yield lab


@pytest.fixture
def hooks(lab: Lab, settings: Settings) -> WebhookLab:
    changes = {"webhook_allowed_hosts": ("127.0.0.1",), "max_webhook_endpoints_per_tenant": 3}
    return webhook_lab(lab, settings.model_copy(update=changes))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def reason(result: Result[Any]) -> str:
    assert isinstance(result, Err), result
    return result.failure.reason.name


def value(result: Result[Any]) -> Any:
    assert isinstance(result, Ok), result
    return result.value


def told(hooks: WebhookLab, context: Context) -> Delivery:
    """Ends a job and returns the newest delivery, not made yet."""
    hooks.lab.runner()(ticket(hooks.lab.submit(context)))
    return hooks.deliveries(context)[-1]


def test_a_tenant_has_so_many_endpoints_and_no_more(
    hooks: WebhookLab, acme: Context, globex: Context
) -> None:
    for number in range(3):
        hooks.endpoint(acme, f"https://receiver.example/{number}")
    more = NewEndpoint("https://receiver.example/more")

    assert reason(hooks.webhooks.create(acme, more)) == "TENANT_LIMIT_REACHED"
    hooks.endpoint(globex, more.url)
    [first, *_] = value(hooks.webhooks.list(acme, PageRequest())).items
    assert isinstance(hooks.webhooks.delete(acme, first.endpoint_id), Ok)
    hooks.endpoint(acme, more.url)


def test_no_two_endpoints_of_a_tenant_have_the_same_url(
    hooks: WebhookLab, acme: Context, globex: Context
) -> None:
    first = hooks.endpoint(acme, "https://receiver.example/a").endpoint
    second = hooks.endpoint(acme, "https://receiver.example/b").endpoint
    hooks.endpoint(globex, first.url)

    assert reason(hooks.webhooks.create(acme, NewEndpoint(first.url))) == "RESOURCE_EXISTS"
    moved = EndpointChange(second.endpoint_id, url=first.url)
    assert reason(hooks.webhooks.update(acme, moved)) == "RESOURCE_EXISTS"
    same = EndpointChange(first.endpoint_id, url=first.url)
    assert isinstance(hooks.webhooks.update(acme, same), Ok)


def test_a_secret_is_shown_once_and_kept_encrypted(hooks: WebhookLab, acme: Context) -> None:
    issued = hooks.endpoint(acme)

    assert issued.secret.startswith("whsec_")
    [row] = hooks.lab.sql("SELECT * FROM webhook_endpoints")
    assert issued.secret.removeprefix("whsec_") not in str(row)
    assert issued.secret not in repr(hooks.get(acme, issued.endpoint))


def test_what_is_not_named_in_a_change_stays(hooks: WebhookLab, acme: Context) -> None:
    wanted = NewEndpoint("https://a.example/", "note", Filter(("job.dead",), ("echo",)))
    endpoint: Endpoint = value(hooks.webhooks.create(acme, wanted)).endpoint

    def change(**changes: Any) -> Endpoint:
        result = hooks.webhooks.update(acme, EndpointChange(endpoint.endpoint_id, **changes))
        changed: Endpoint = value(result)
        return changed

    off = change(enabled=False)
    assert (off.url, off.description, off.filter) == (wanted.url, "note", wanted.filter)
    assert off.disabled_reason == "Disabled by its owner."
    assert change(description="").disabled_at == off.disabled_at
    assert change(filter=Filter(job_kinds=("x",))).filter == Filter((), ("x",))
    moved = change(url="https://b.example/", enabled=True)
    assert (moved.url, moved.disabled_at, moved.disabled_reason) == (
        "https://b.example/",
        None,
        "",
    )
    refused = EndpointChange(endpoint.endpoint_id, url="http://c.example/")
    assert reason(hooks.webhooks.update(acme, refused)) == "WEBHOOK_ADDRESS_REFUSED"


def test_the_overlap_of_secrets_has_bounds(hooks: WebhookLab, acme: Context) -> None:
    endpoint_id = hooks.endpoint(acme).endpoint.endpoint_id

    for overlap in (timedelta(seconds=-1), timedelta(days=7, seconds=1)):
        rotation = SecretRotation(endpoint_id, overlap)
        assert reason(hooks.webhooks.rotate(acme, rotation)) == "FIELDS_INVALID"
    at_once = value(hooks.webhooks.rotate(acme, SecretRotation(endpoint_id, timedelta(0))))
    assert at_once.endpoint.old_secret_until is None


def test_a_deleted_endpoint_takes_its_log_and_ends_what_is_under_way(
    hooks: WebhookLab, acme: Context
) -> None:
    endpoint = hooks.endpoint(acme).endpoint
    delivery = told(hooks, acme)
    assert isinstance(hooks.webhooks.delete(acme, endpoint.endpoint_id), Ok)

    assert hooks.deliveries(acme) == []
    hooks.lab.runner()(ticket(hooks.job(acme, delivery)))
    assert hooks.job(acme, delivery).state.value == "failed"
    assert reason(hooks.webhooks.delete(acme, endpoint.endpoint_id)) == "RESOURCE_NOT_FOUND"


def test_deliveries_are_listed_by_page_and_filter(
    hooks: WebhookLab, acme: Context, receiver: Receiver
) -> None:
    one = hooks.endpoint(acme, receiver.url).endpoint
    hooks.endpoint(acme, receiver.url + "&two")
    made = [told(hooks, acme) for _ in range(3)]
    delivered = hooks.make(acme, made[0])

    assert len(hooks.deliveries(acme)) == 6
    of_one = hooks.deliveries(acme, endpoint_id=one.endpoint_id)
    assert {d.endpoint_id for d in of_one} == {one.endpoint_id}
    assert len(of_one) == 3
    assert hooks.deliveries(acme, state=DeliveryState.DELIVERED) == [delivered]
    assert len(hooks.deliveries(acme, message_id=delivered.message_id)) == 2
    seen: list[str] = []
    token = ""
    while True:
        page = value(hooks.webhooks.deliveries(acme, DeliveriesQuery(page=PageRequest(4, token))))
        seen += [delivery.delivery_id for delivery in page.items]
        token = page.next_token
        if not token:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 6


def test_a_message_is_sent_again_under_its_own_id(
    hooks: WebhookLab, acme: Context, receiver: Receiver
) -> None:
    hooks.endpoint(acme, receiver.url)
    first = hooks.make(acme, told(hooks, acme))
    [again] = value(hooks.webhooks.redeliver(acme, MessageAgain(first.message_id)))
    # One that was not there then.
    late = hooks.endpoint(acme, receiver.url + "&late").endpoint
    command = MessageAgain(first.message_id, late.endpoint_id)
    [to_late] = value(hooks.webhooks.redeliver(acme, command))

    for delivery in (again, to_late):
        assert hooks.make(acme, delivery).state is DeliveryState.DELIVERED
    assert len({request.body for request in receiver.requests}) == 1
    assert [request.headers["webhook-id"] for request in receiver.requests] == (
        [first.message_id] * 3
    )
    assert len(hooks.messages()) == 1


def test_nothing_is_sent_again_to_nobody(hooks: WebhookLab, acme: Context) -> None:
    endpoint = hooks.endpoint(acme).endpoint
    message_id = told(hooks, acme).message_id
    again = hooks.webhooks.redeliver
    value(hooks.webhooks.update(acme, EndpointChange(endpoint.endpoint_id, enabled=False)))

    assert reason(again(acme, MessageAgain(NOWHERE))) == "RESOURCE_NOT_FOUND"
    assert reason(again(acme, MessageAgain(message_id, NOWHERE))) == "RESOURCE_NOT_FOUND"
    disabled = "WEBHOOK_ENDPOINT_DISABLED"
    assert reason(again(acme, MessageAgain(message_id, endpoint.endpoint_id))) == disabled
    assert reason(again(acme, MessageAgain(message_id))) == disabled
    assert reason(hooks.webhooks.test(acme, endpoint.endpoint_id)) == disabled


def failed(hooks: WebhookLab, acme: Context) -> Delivery:
    """Ends a job whose delivery is given up."""
    delivery = told(hooks, acme)
    value(hooks.lab.jobs.cancel(acme, delivery.job_id))
    return delivery


def ranged(hooks: WebhookLab, acme: Context, **changes: Any) -> RangeRedelivered:
    now = datetime.now(UTC)
    command = RangeAgain(**{"start": now - timedelta(hours=1), "end": now, **changes})
    redelivered: RangeRedelivered = value(hooks.webhooks.redeliver_range(acme, command))
    return redelivered


def test_the_messages_of_a_time_are_sent_again(
    hooks: WebhookLab, acme: Context, receiver: Receiver
) -> None:
    endpoint = hooks.endpoint(acme, receiver.url).endpoint
    old = failed(hooks, acme)
    hooks.age(acme, old.message_id, timedelta(hours=2))
    good = hooks.make(acme, told(hooks, acme))
    bad = [failed(hooks, acme), failed(hooks, acme)]
    told(hooks, acme)  # still under way
    value(hooks.webhooks.test(acme, endpoint.endpoint_id))
    before = hooks.deliveries(acme)

    dry = ranged(hooks, acme, dry_run=True)
    assert [message for message, _ in dry.pairs] == [d.message_id for d in (good, *bad)]
    assert hooks.deliveries(acme) == before
    only_failed = ranged(hooks, acme, only_failed=True, most=1)
    assert only_failed.pairs == [(bad[0].message_id, endpoint.endpoint_id)]
    assert only_failed.more
    # What is on its way again is left alone.
    rest = ranged(hooks, acme, only_failed=True)
    assert (rest.pairs, rest.more) == ([(bad[1].message_id, endpoint.endpoint_id)], False)
    new = hooks.deliveries(acme)[len(before) :]
    assert [d.message_id for d in new] == [d.message_id for d in bad]
    assert old.message_id not in {d.message_id for d in new}


def test_a_range_can_be_for_one_endpoint(hooks: WebhookLab, acme: Context) -> None:
    one = hooks.endpoint(acme, "https://a.example").endpoint
    two = hooks.endpoint(acme, "https://b.example").endpoint
    told(hooks, acme)
    for delivery in hooks.deliveries(acme):
        value(hooks.lab.jobs.cancel(acme, delivery.job_id))

    assert len(ranged(hooks, acme, dry_run=True).pairs) == 2
    [(_, of_one)] = ranged(hooks, acme, dry_run=True, endpoint_id=one.endpoint_id).pairs
    assert of_one == one.endpoint_id
    value(hooks.webhooks.update(acme, EndpointChange(two.endpoint_id, enabled=False)))
    assert len(ranged(hooks, acme, dry_run=True).pairs) == 1


def test_another_tenants_things_are_not_there(
    hooks: WebhookLab, acme: Context, globex: Context
) -> None:
    endpoint_id = hooks.endpoint(acme).endpoint.endpoint_id
    message_id = told(hooks, acme).message_id
    mine = hooks.endpoint(globex).endpoint.endpoint_id
    webhooks = hooks.webhooks
    now = datetime.now(UTC)

    for refused in (
        webhooks.get(globex, endpoint_id),
        webhooks.update(globex, EndpointChange(endpoint_id, enabled=False)),
        webhooks.delete(globex, endpoint_id),
        webhooks.rotate(globex, SecretRotation(endpoint_id)),
        webhooks.test(globex, endpoint_id),
        webhooks.redeliver(globex, MessageAgain(message_id, mine)),
        webhooks.redeliver_range(globex, RangeAgain(now, now, endpoint_id)),
    ):
        assert reason(refused) == "RESOURCE_NOT_FOUND"
    assert hooks.deliveries(globex) == []
    assert ranged(hooks, globex).pairs == []


def test_old_messages_are_swept_unless_they_are_under_way(
    hooks: WebhookLab, acme: Context, receiver: Receiver
) -> None:
    receiver.will(answer(200, b"kept with its delivery"))
    hooks.endpoint(acme, receiver.url)
    done, waiting, young = hooks.make(acme, told(hooks, acme)), told(hooks, acme), told(hooks, acme)
    for old in (done, waiting):
        hooks.age(acme, old.message_id, timedelta(days=31))

    assert hooks.webhooks.sweep() == 1
    left = {d.delivery_id for d in hooks.deliveries(acme)}
    assert left == {waiting.delivery_id, young.delivery_id}
    assert hooks.lab.sql("SELECT * FROM webhook_attempts") == []
    assert done.delivery_id not in left
