"""Every way a job ends makes exactly one message, in the transaction that ends it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from core.config import Settings
from core.context import Context
from core.failures import Failure, RefusedError
from core.jobs import leases
from core.jobs.cancel_batch import CancelBatchCommand
from core.jobs.job import Job
from core.jobs.kind import Done, JobRun, JobStoppedError, Outcome, Refused
from core.jobs.ledger import Ticket
from core.jobs.spec import JobSpec
from core.jobs.submit_batch import BatchOrder
from core.reasons import Reason
from core.result import Ok
from core.webhooks.delivery import DELIVER_KIND, DeliveryState
from tests.conftest import Databases
from tests.jobs_lab import Lab, echo, open_lab, ticket
from tests.webhook_lab import WebhookLab, webhook_lab

WRONG = Failure(Reason.IMPORT_FILE_UNREADABLE, "The file is no table.")


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        yield lab


@pytest.fixture
def hooks(lab: Lab, settings: Settings) -> WebhookLab:
    return webhook_lab(lab, settings)


def succeed(lab: Lab, context: Context) -> Job:
    job = lab.submit(context, payload={"rows": 7})
    lab.runner()(ticket(job))
    return job


def refuse(lab: Lab, context: Context) -> Job:
    lab.kind("refuse", lambda _run: Refused(WRONG))
    job = lab.submit(context, "refuse")
    lab.runner()(ticket(job))
    return job


def die(lab: Lab, context: Context) -> Job:
    def broken(_run: JobRun) -> Outcome:
        raise ZeroDivisionError

    lab.kind("broken", broken, max_attempts=1)
    job = lab.submit(context, "broken")
    lab.runner()(ticket(job))
    return job


def cancel_waiting(lab: Lab, context: Context) -> Job:
    job = lab.submit(context)
    assert isinstance(lab.jobs.cancel(context, job.job_id), Ok)
    return job


def cancel_running(lab: Lab, context: Context) -> Job:
    def cancelled(run: JobRun) -> Outcome:
        lab.jobs.cancel(context, run.job_id)
        runner.heartbeat.beat()
        run.proceed()
        raise AssertionError

    lab.kind("cancelled", cancelled)
    job = lab.submit(context, "cancelled")
    runner = lab.runner()
    runner(ticket(job))
    return job


def expire(lab: Lab, context: Context) -> Job:
    job = lab.submit(context, expire_after_seconds=0)
    assert lab.jobs.rescue().expired == 1
    return job


def crashed(lab: Lab, context: Context, *, crashes: int, asked_to_stop: bool = False) -> Job:
    """Does to the ledger what a worker leaves that died a while ago, and rescues."""
    job = lab.submit(context)
    lab.sql(
        "UPDATE jobs SET state = 'running', epoch = epoch + 1, attempt = attempt + 1,"
        " started_at = now(), lease_until = now() - interval '1 second', crash_count = :crashes,"
        " cancel_requested_at = CASE WHEN :asked THEN now() END WHERE job_id = :job_id",
        {"job_id": job.job_id, "crashes": crashes, "asked": asked_to_stop},
    )
    lab.jobs.rescue()
    return job


def quarantine(lab: Lab, context: Context) -> Job:
    return crashed(lab, context, crashes=2)


def cancel_crashed(lab: Lab, context: Context) -> Job:
    return crashed(lab, context, crashes=0, asked_to_stop=True)


def release_cancelled(lab: Lab, context: Context) -> Job:
    job = lab.submit(context)
    lab.sql(
        "UPDATE jobs SET state = 'running', epoch = 1, attempt = 1, cancel_requested_at = now()"
        " WHERE job_id = :job_id",
        {"job_id": job.job_id},
    )
    with lab.system.begin() as transaction:
        leases.release(transaction, [Ticket(job.tenant_id, job.job_id, 1)])
    return job


@pytest.mark.parametrize(
    ("end", "event"),
    [
        (succeed, "job.succeeded"),
        (refuse, "job.failed"),
        (die, "job.dead"),
        (cancel_waiting, "job.cancelled"),
        (cancel_running, "job.cancelled"),
        (cancel_crashed, "job.cancelled"),
        (release_cancelled, "job.cancelled"),
        (expire, "job.expired"),
        (quarantine, "job.quarantined"),
    ],
)
def test_every_way_a_job_ends_makes_one_message(
    lab: Lab,
    hooks: WebhookLab,
    acme: Context,
    end: Callable[[Lab, Context], Job],
    event: str,
) -> None:
    endpoint = hooks.endpoint(acme).endpoint

    job = lab.get(acme, end(lab, acme))

    [message] = hooks.messages()
    body = json.loads(message["body"])
    assert (message["event_type"], body["type"]) == (event, event)
    assert body["data"] == {
        "tenant_id": "acme",
        "job_id": job.job_id,
        "kind": job.kind,
        "state": event.removeprefix("job."),
        "result": job.result,
        "file_id": None,
        "error": job.error,
        "correlation_id": acme.correlation_id,
        "truncated": False,
    }
    assert job.finished_at is not None
    assert body["timestamp"] == f"{job.finished_at:%Y-%m-%dT%H:%M:%S.%fZ}"
    delivery = hooks.delivery(acme)
    assert delivery.endpoint_id == endpoint.endpoint_id
    assert delivery.subject_job_id == job.job_id
    assert delivery.state is DeliveryState.PENDING


def test_an_attempt_that_is_tried_again_makes_none(
    lab: Lab, hooks: WebhookLab, acme: Context
) -> None:
    def broken(_run: JobRun) -> Outcome:
        raise ZeroDivisionError

    hooks.endpoint(acme)
    lab.kind("broken", broken, max_attempts=2)
    lab.runner()(ticket(lab.submit(acme, "broken")))
    crashed(lab, acme, crashes=0)

    assert hooks.messages() == []


def test_a_job_that_ends_again_makes_another_message(
    lab: Lab, hooks: WebhookLab, acme: Context
) -> None:
    hooks.endpoint(acme)
    job = cancel_waiting(lab, acme)
    retried = lab.jobs.retry(acme, job.job_id)
    assert isinstance(retried, Ok)
    lab.runner()(ticket(retried.value))

    assert [m["event_type"] for m in hooks.messages()] == ["job.cancelled", "job.succeeded"]


def test_a_broken_chain_tells_of_every_step(lab: Lab, hooks: WebhookLab, acme: Context) -> None:
    lab.kind("step", echo, check_payload=lambda _payload: ())
    hooks.endpoint(acme)
    chain = lab.jobs.submit_chain(acme, [JobSpec("step"), JobSpec("step")])
    assert isinstance(chain, Ok)
    first, second = chain.value
    assert isinstance(lab.jobs.cancel(acme, first.job_id), Ok)

    bodies = [json.loads(message["body"]) for message in hooks.messages()]
    assert [body["type"] for body in bodies] == ["job.cancelled", "job.cancelled"]
    assert [body["data"]["job_id"] for body in bodies] == [first.job_id, second.job_id]
    assert bodies[1]["data"]["error"]["reason"] == "JOB_CHAIN_BROKEN"


def test_a_cancelled_batch_tells_of_every_job(lab: Lab, hooks: WebhookLab, acme: Context) -> None:
    lab.kind("part", echo, check_payload=lambda _payload: ())
    hooks.endpoint(acme)
    submitted = lab.jobs.submit_batch(acme, BatchOrder([JobSpec("part")] * 3))
    assert isinstance(submitted, Ok)
    command = CancelBatchCommand(submitted.value.batch.batch_id)
    assert isinstance(lab.jobs.cancel_batch(acme, command), Ok)

    told = {str(m["job_id"]): m["event_type"] for m in hooks.messages()}
    assert told == dict.fromkeys(submitted.value.job_ids, "job.cancelled")


def test_an_end_that_is_rolled_back_makes_none(lab: Lab, hooks: WebhookLab, acme: Context) -> None:
    def stopped(run: JobRun) -> Outcome:
        def write(_unit: object) -> None:
            # In the transaction that ends the job, after the message was written there.
            raise JobStoppedError

        return Done({}, write=write)

    hooks.endpoint(acme)
    lab.kind("stopped", stopped)
    with pytest.raises(JobStoppedError):
        lab.runner()(ticket(lab.submit(acme, "stopped")))

    assert hooks.messages() == []
    assert hooks.deliveries(acme) == []


def test_a_filter_leaves_out_other_types_and_kinds(
    lab: Lab, hooks: WebhookLab, acme: Context
) -> None:
    failed = hooks.endpoint(acme, "https://a.example", event_types=("job.failed", "job.dead"))
    echoes = hooks.endpoint(acme, "https://b.example", job_kinds=("echo",))
    hooks.endpoint(acme, "https://c.example", event_types=("job.failed",), job_kinds=("echo",))

    succeed(lab, acme)
    refuse(lab, acme)

    told = {(d.endpoint_id, d.event_type) for d in hooks.deliveries(acme)}
    assert told == {
        (echoes.endpoint.endpoint_id, "job.succeeded"),
        (failed.endpoint.endpoint_id, "job.failed"),
    }


def test_one_message_goes_to_every_endpoint_that_wants_it(
    lab: Lab, hooks: WebhookLab, acme: Context
) -> None:
    for name in ("a", "b", "c"):
        hooks.endpoint(acme, f"https://{name}.example")
    succeed(lab, acme)

    [message] = hooks.messages()
    assert {d.message_id for d in hooks.deliveries(acme)} == {str(message["message_id"])}
    assert len({d.endpoint_id for d in hooks.deliveries(acme)}) == 3


def test_other_tenants_hear_nothing(
    lab: Lab, hooks: WebhookLab, acme: Context, globex: Context
) -> None:
    hooks.endpoint(globex)
    succeed(lab, acme)
    expire(lab, acme)

    assert hooks.messages() == []


def test_a_delivery_makes_no_message_of_its_own(lab: Lab, hooks: WebhookLab, acme: Context) -> None:
    hooks.endpoint(acme)
    succeed(lab, acme)
    delivery = hooks.delivery(acme)
    assert isinstance(lab.jobs.cancel(acme, delivery.job_id), Ok)

    assert len(hooks.messages()) == 1


def test_the_log_follows_the_job_of_a_delivery_whatever_ends_it(
    lab: Lab, hooks: WebhookLab, acme: Context
) -> None:
    hooks.endpoint(acme)
    succeed(lab, acme)
    assert isinstance(lab.jobs.cancel(acme, hooks.delivery(acme).job_id), Ok)
    given_up = hooks.delivery(acme)
    assert given_up.state is DeliveryState.FAILED
    assert given_up.finished_at is not None

    assert isinstance(lab.jobs.retry(acme, given_up.job_id), Ok)
    again = hooks.delivery(acme)
    assert (again.state, again.finished_at) == (DeliveryState.PENDING, None)


def test_the_job_of_a_delivery_is_what_its_kind_says(
    lab: Lab, hooks: WebhookLab, acme: Context
) -> None:
    # SQL writes it, in the transaction that ends the other job, without knowing the kinds.
    hooks.endpoint(acme)
    subject = succeed(lab, acme)
    job, kind = hooks.job(acme, hooks.delivery(acme)), lab.kinds[DELIVER_KIND]

    assert (job.kind, job.kind_version) == (kind.name, kind.version)
    assert (job.queue, job.priority) == (kind.queue, kind.priority)
    assert job.max_attempts == kind.max_attempts
    assert (job.key_id, job.roles) == (subject.key_id, subject.roles)
    assert job.correlation_id == acme.correlation_id
    assert job.job_id > subject.job_id


def test_what_is_too_long_goes_without_its_result(
    lab: Lab, hooks: WebhookLab, acme: Context
) -> None:
    hooks.endpoint(acme)
    lab.runner()(ticket(lab.submit(acme, payload={"text": "é" * 20_000})))
    lab.kind("wordy", lambda _run: Refused(Failure(WRONG.reason, "w" * 30_000)))
    lab.runner()(ticket(lab.submit(acme, "wordy")))

    long_result, long_error = (json.loads(m["body"])["data"] for m in hooks.messages())
    assert (long_result["truncated"], long_result["result"]) == (True, None)
    assert long_result["error"] is None
    assert long_error["truncated"]
    assert long_error["error"]["reason"] == "IMPORT_FILE_UNREADABLE"
    assert long_error["error"]["message"] == "w" * 1_000
    assert all(len(m["body"].encode()) <= 20_480 for m in hooks.messages())


def test_deliveries_that_wait_keep_nobody_from_submitting(
    settings: Settings, databases: Databases, acme: Context
) -> None:
    small = settings.model_copy(update={"max_waiting_jobs_per_tenant": 2})
    with open_lab(small, databases.app, databases.system) as lab:
        hooks = webhook_lab(lab, small)
        hooks.endpoint(acme)
        for _ in range(3):
            succeed(lab, acme)
        assert len(hooks.deliveries(acme, state=DeliveryState.PENDING)) == 3

        lab.submit(acme)
        lab.submit(acme)
        with pytest.raises(RefusedError, match="waiting"):
            lab.submit(acme)
