"""Deliveries to a real receiver that misbehaves, verified by the library receivers use."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import WebhookVerificationError

from core.config import Settings
from core.context import Context
from core.jobs.job import JobState
from core.result import Ok
from core.webhooks.delivery import Delivery, DeliveryState
from core.webhooks.endpoint import IssuedEndpoint
from core.webhooks.retries import FAILURES_BEFORE_PAUSE, RETRY_SECONDS
from core.webhooks.rotate_secret import SecretRotation
from core.webhooks.update_endpoint import EndpointChange
from tests import webhook_receiver
from tests.conftest import Databases
from tests.jobs_lab import Lab, open_lab, ticket
from tests.webhook_lab import WebhookLab, verified, webhook_lab
from tests.webhook_receiver import Receiver, answer, receiving

TIMEOUT_SECONDS = 1.0


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        yield lab


@pytest.fixture
def hooks(lab: Lab, settings: Settings) -> WebhookLab:
    changes = {
        "webhook_allowed_hosts": ("127.0.0.1",),
        "webhook_timeout_seconds": TIMEOUT_SECONDS,
    }
    return webhook_lab(lab, settings.model_copy(update=changes))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def endpoint(hooks: WebhookLab, acme: Context, receiver: Receiver) -> IssuedEndpoint:
    return hooks.endpoint(acme, receiver.url)


def begin(hooks: WebhookLab, acme: Context) -> Delivery:
    """Ends a job, and returns the delivery that tells of it."""
    job = hooks.lab.submit(acme, payload={"name": "Łucja"})
    hooks.lab.runner()(ticket(job))
    return hooks.deliveries(acme)[-1]


def tried(hooks: WebhookLab, acme: Context) -> Delivery:
    """Ends a job and has its delivery made."""
    return hooks.make(acme, begin(hooks, acme))


def wait_of(hooks: WebhookLab, acme: Context, delivery: Delivery) -> float:
    """Returns the seconds from the last try to the next."""
    job = hooks.job(acme, delivery)
    assert job.state is JobState.QUEUED
    return (job.run_at - delivery.attempts[-1].started_at).total_seconds()


def test_a_receiver_gets_a_signed_message_and_takes_it(
    hooks: WebhookLab, acme: Context, receiver: Receiver, endpoint: IssuedEndpoint
) -> None:
    receiver.will(answer(200, b"thanks"))

    delivery = tried(hooks, acme)

    [request] = receiver.requests
    assert request.line == "POST /hooks?of=acme HTTP/1.1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["webhook-id"] == delivery.message_id
    payload = verified(request, endpoint.secret)
    assert payload["type"] == "job.succeeded"
    assert payload["data"]["job_id"] == delivery.subject_job_id
    assert payload["data"]["result"] == {"name": "Łucja"}
    assert (delivery.state, delivery.next_at) == (DeliveryState.DELIVERED, None)
    [attempt] = delivery.attempts
    assert (attempt.number, attempt.status, attempt.error) == (1, 200, "")
    assert attempt.answer == "thanks"
    assert hooks.job(acme, delivery).result == {"status": 200, "tries": 1}


def test_a_changed_body_and_a_foreign_secret_are_found_out(
    hooks: WebhookLab, acme: Context, receiver: Receiver, endpoint: IssuedEndpoint
) -> None:
    tried(hooks, acme)
    [request] = receiver.requests
    other = hooks.endpoint(acme, "https://other.example")

    with pytest.raises(WebhookVerificationError):
        verified(request, other.secret)
    request.headers["webhook-timestamp"] = str(int(time.time()) - 1)
    with pytest.raises(WebhookVerificationError):
        verified(request, endpoint.secret)


def test_what_fails_is_sent_again_under_the_same_id(
    hooks: WebhookLab, acme: Context, receiver: Receiver, endpoint: IssuedEndpoint
) -> None:
    receiver.will(answer(500, b"not now"), answer(429))

    first = tried(hooks, acme)
    assert first.state is DeliveryState.PENDING
    assert RETRY_SECONDS[0] <= wait_of(hooks, acme, first) < RETRY_SECONDS[0] * 1.2 + 1
    assert hooks.get(acme, endpoint.endpoint).failures_in_row == 1
    second = hooks.make(acme, first)
    assert RETRY_SECONDS[1] <= wait_of(hooks, acme, second) < RETRY_SECONDS[1] * 1.2 + 1
    last = hooks.make(acme, second)

    assert [request.headers["webhook-id"] for request in receiver.requests] == (
        [first.message_id] * 3
    )
    for request in receiver.requests:
        verified(request, endpoint.secret)
    assert last.state is DeliveryState.DELIVERED
    assert [attempt.status for attempt in last.attempts] == [500, 429, 204]
    assert last.attempts[0].answer == "not now"
    assert "500" in last.attempts[0].error
    now = hooks.get(acme, endpoint.endpoint)
    assert (now.failures_in_row, now.failing_since) == (0, None)


def test_a_delivery_is_given_up_after_the_last_try(
    hooks: WebhookLab, acme: Context, receiver: Receiver, endpoint: IssuedEndpoint
) -> None:
    delivery = begin(hooks, acme)
    for _ in range(len(RETRY_SECONDS) + 1):
        assert delivery.state is DeliveryState.PENDING
        receiver.will(answer(503))
        # This is not about the pauses of an endpoint that fails.
        hooks.lab.sql("UPDATE webhook_endpoints SET paused_until = NULL")
        delivery = hooks.make(acme, delivery)

    assert delivery.state is DeliveryState.FAILED
    assert len(delivery.attempts) == len(receiver.requests) == 10
    job = hooks.job(acme, delivery)
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error["reason"] == "WEBHOOK_UNDELIVERED"


def test_a_redirect_is_not_followed(
    hooks: WebhookLab, acme: Context, receiver: Receiver, endpoint: IssuedEndpoint
) -> None:
    receiver.will(answer(302, Location=f"{receiver.url}&again"))

    delivery = tried(hooks, acme)

    assert receiver.connections == 1
    assert delivery.state is DeliveryState.PENDING
    assert delivery.attempts[0].status == 302
    assert "redirects" in delivery.attempts[0].error


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (webhook_receiver.hang, "The receiver did not answer in time."),
        (webhook_receiver.drip, "The receiver did not answer in time."),
        (webhook_receiver.reset, "The connection broke."),
        (webhook_receiver.nonsense, "What the receiver answered is no HTTP."),
    ],
)
def test_no_answer_is_a_failure_within_the_time(
    hooks: WebhookLab,
    acme: Context,
    receiver: Receiver,
    behaviour: webhook_receiver.Behaviour,
    error: str,
) -> None:
    hooks.endpoint(acme, receiver.url)
    receiver.will(behaviour)

    [attempt] = tried(hooks, acme).attempts

    assert (attempt.status, attempt.error) == (None, error)
    assert attempt.duration_ms < TIMEOUT_SECONDS * 1000 + 500


def test_a_huge_answer_is_cut_and_not_read(
    hooks: WebhookLab, acme: Context, receiver: Receiver, endpoint: IssuedEndpoint
) -> None:
    receiver.will(webhook_receiver.flood)

    delivery = tried(hooks, acme)

    assert receiver.left.wait(10)
    assert delivery.state is DeliveryState.DELIVERED
    assert delivery.attempts[0].answer == "y" * 1_024


def test_endless_headers_are_no_answer(
    hooks: WebhookLab, acme: Context, receiver: Receiver, endpoint: IssuedEndpoint
) -> None:
    receiver.will(webhook_receiver.flood_headers)

    delivery = tried(hooks, acme)

    assert receiver.left.wait(10)
    assert delivery.attempts[0].status is None
    assert delivery.attempts[0].error == "What the receiver answered is no HTTP."


def test_a_receiver_that_is_gone_is_told_nothing_more(
    hooks: WebhookLab, acme: Context, receiver: Receiver, endpoint: IssuedEndpoint
) -> None:
    waiting = begin(hooks, acme)
    receiver.will(answer(410))

    assert tried(hooks, acme).state is DeliveryState.FAILED
    now = hooks.get(acme, endpoint.endpoint)
    assert now.disabled_at is not None
    assert "410" in now.disabled_reason
    given_up = hooks.make(acme, waiting)
    begin(hooks, acme)

    assert receiver.connections == 1
    assert given_up.state is DeliveryState.FAILED
    job = hooks.job(acme, given_up)
    assert job.error is not None
    assert job.error["reason"] == "WEBHOOK_ENDPOINT_DISABLED"
    assert len(hooks.deliveries(acme)) == 2


@pytest.mark.parametrize(
    ("header", "seconds"),
    # Not sooner than the schedule, and not later than in a day.
    [("3600", 3_600), ("0", 5), ("99999999999999999999", 86_400), ("soon", 5)],
)
def test_a_receiver_may_ask_for_a_longer_wait_within_bounds(
    hooks: WebhookLab, acme: Context, receiver: Receiver, header: str, seconds: int
) -> None:
    hooks.endpoint(acme, receiver.url)
    receiver.will(answer(503, Retry_After=header))

    assert seconds <= wait_of(hooks, acme, tried(hooks, acme)) < seconds * 1.2 + 1


def test_an_endpoint_that_fails_in_a_row_is_left_alone_for_a_while(
    hooks: WebhookLab, acme: Context, receiver: Receiver, endpoint: IssuedEndpoint
) -> None:
    for _ in range(FAILURES_BEFORE_PAUSE):
        receiver.will(answer(500))
        tried(hooks, acme)
    paused = hooks.get(acme, endpoint.endpoint).paused_until
    assert paused is not None
    assert 50 < (paused - datetime.now(UTC)).total_seconds() <= 60

    postponed = tried(hooks, acme)
    assert receiver.connections == FAILURES_BEFORE_PAUSE
    assert postponed.attempts == []
    assert postponed.next_at is not None
    assert postponed.next_at > paused

    hooks.lab.sql("UPDATE webhook_endpoints SET paused_until = now() - interval '1 second'")
    probe, behind = begin(hooks, acme), begin(hooks, acme)

    def answer_late(_receiver: Receiver, line: socket.socket) -> None:
        # The first goes ahead; while it is under way the others still wait.
        hooks.make(acme, behind)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    receiver.will(answer_late)
    assert hooks.make(acme, probe).state is DeliveryState.DELIVERED
    assert receiver.connections == FAILURES_BEFORE_PAUSE + 1
    assert hooks.get(acme, endpoint.endpoint).paused_until is None
    assert hooks.make(acme, behind).state is DeliveryState.DELIVERED


def test_the_pauses_grow_with_the_failures_up_to_half_an_hour(
    hooks: WebhookLab, acme: Context, receiver: Receiver, endpoint: IssuedEndpoint
) -> None:
    for failures, seconds in ((4, 60), (5, 120), (8, 960), (9, 1_800), (500, 1_800)):
        hooks.lab.sql(
            "UPDATE webhook_endpoints SET failures_in_row = :failures, paused_until = NULL",
            {"failures": failures},
        )
        receiver.will(answer(500))
        tried(hooks, acme)
        paused = hooks.get(acme, endpoint.endpoint).paused_until
        assert paused is not None
        assert abs((paused - datetime.now(UTC)).total_seconds() - seconds) < 10


def test_an_endpoint_that_only_fails_for_days_is_disabled_and_says_why(
    hooks: WebhookLab, acme: Context, receiver: Receiver, endpoint: IssuedEndpoint
) -> None:
    receiver.will(answer(500), answer(502), answer(503))
    tried(hooks, acme)
    for hours, enabled in ((119, True), (121, False)):
        hooks.lab.sql(
            "UPDATE webhook_endpoints SET failing_since = now() - make_interval(hours => :hours)",
            {"hours": hours},
        )
        tried(hooks, acme)
        assert (hooks.get(acme, endpoint.endpoint).disabled_at is None) is enabled
    reason = hooks.get(acme, endpoint.endpoint).disabled_reason
    assert reason.startswith("Nothing but failures since 20")
    assert reason.endswith("The last: The receiver answered with status 503.")

    change = EndpointChange(endpoint.endpoint.endpoint_id, enabled=True)
    changed = hooks.webhooks.update(acme, change)
    assert isinstance(changed, Ok)
    assert (changed.value.failures_in_row, changed.value.disabled_reason) == (0, "")
    assert tried(hooks, acme).state is DeliveryState.DELIVERED


def test_failures_that_are_days_apart_are_not_one_long_failing(
    hooks: WebhookLab, acme: Context, receiver: Receiver, endpoint: IssuedEndpoint
) -> None:
    receiver.will(answer(500), answer(500))
    tried(hooks, acme)
    hooks.lab.sql(
        "UPDATE webhook_endpoints SET failing_since = now() - interval '30 days',"
        " failed_at = now() - interval '49 hours'"
    )
    tried(hooks, acme)

    now = hooks.get(acme, endpoint.endpoint)
    assert (now.disabled_at, now.failures_in_row) == (None, 2)
    assert now.failing_since is not None
    assert now.failing_since > datetime.now(UTC) - timedelta(minutes=5)


def test_both_secrets_sign_until_the_overlap_is_over(
    hooks: WebhookLab, acme: Context, receiver: Receiver, endpoint: IssuedEndpoint
) -> None:
    rotation = SecretRotation(endpoint.endpoint.endpoint_id, timedelta(hours=1))
    rotated = hooks.webhooks.rotate(acme, rotation)
    assert isinstance(rotated, Ok)
    assert rotated.value.endpoint.old_secret_until is not None
    tried(hooks, acme)
    hooks.lab.sql("UPDATE webhook_endpoints SET old_secret_until = now() - interval '1 second'")
    tried(hooks, acme)

    during, after = receiver.requests
    verified(during, rotated.value.secret)
    verified(during, endpoint.secret)
    verified(after, rotated.value.secret)
    with pytest.raises(WebhookVerificationError):
        verified(after, endpoint.secret)


def test_an_endpoint_that_is_deleted_while_it_is_called_is_not_called_again(
    hooks: WebhookLab, acme: Context, receiver: Receiver, endpoint: IssuedEndpoint
) -> None:
    def delete(_receiver: Receiver, line: socket.socket) -> None:
        hooks.webhooks.delete(acme, endpoint.endpoint.endpoint_id)
        line.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")

    receiver.will(delete)
    delivery = begin(hooks, acme)
    hooks.lab.runner()(ticket(hooks.job(acme, delivery)))

    job = hooks.job(acme, delivery)
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error["reason"] == "RESOURCE_NOT_FOUND"


def test_a_test_event_reaches_an_endpoint_that_is_left_alone(
    hooks: WebhookLab, acme: Context, receiver: Receiver, endpoint: IssuedEndpoint
) -> None:
    hooks.lab.sql("UPDATE webhook_endpoints SET paused_until = now() + interval '1 hour'")
    sent = hooks.webhooks.test(acme, endpoint.endpoint.endpoint_id)
    assert isinstance(sent, Ok)

    assert hooks.make(acme, sent.value).state is DeliveryState.DELIVERED
    payload = verified(receiver.requests[0], endpoint.secret)
    assert payload["type"] == "webhook.test"
    assert payload["data"]["endpoint_id"] == endpoint.endpoint.endpoint_id


def test_tries_are_counted_by_what_became_of_them(
    hooks: WebhookLab, acme: Context, receiver: Receiver, endpoint: IssuedEndpoint
) -> None:
    receiver.will(answer(204), answer(500), answer(410))
    for _ in range(3):
        tried(hooks, acme)

    for result in ("delivered", "failed", "gone"):
        labels = {"result": result}
        assert hooks.registry.get_sample_value("webhook_deliveries_total", labels) == 1
        assert hooks.registry.get_sample_value("webhook_delivery_seconds_count", labels) == 1
