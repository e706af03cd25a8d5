"""Makes one delivery: a job in a queue of its own, tried from seconds to a day apart."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import random

import structlog

from core.failures import Failure, not_found
from core.jobs.kind import Done, JobKind, JobRun, Later, Outcome, Refused
from core.platform.secrets import SecretBox
from core.platform.unit_of_work import UnitOfWork
from core.reasons import Reason
from core.webhooks import try_store
from core.webhooks.create_endpoint import secret_label
from core.webhooks.delivery import DELIVER_KIND, MOST_JOB_ATTEMPTS, WEBHOOK_QUEUE
from core.webhooks.endpoint import TEST_EVENT
from core.webhooks.metrics import WebhookMetrics
from core.webhooks.retries import PROBE_SECONDS, retry_seconds
from core.webhooks.send import Sender, Tried, Verdict
from core.webhooks.signing import signature_headers
from core.webhooks.try_store import Due

# Sending has a limit of its own; this is for Postgres before and after.
TIME_LIMIT_SECONDS = 180.0
PAUSED = Failure(
    Reason.WEBHOOK_UNDELIVERED, "The endpoint has failed several times in a row and is left alone."
)


def deliver_kind(handler: DeliverWebhook) -> JobKind:
    """Returns the kind of job that makes a delivery."""
    return JobKind(
        DELIVER_KIND,
        handler,
        queue=WEBHOOK_QUEUE,
        max_attempts=MOST_JOB_ATTEMPTS,
        time_limit_seconds=TIME_LIMIT_SECONDS,
    )


@dataclass(frozen=True, slots=True)
class DeliverWebhook:
    """Handles a delivery. The receiver may get a message twice, under the same id."""

    secrets: SecretBox
    send: Sender
    metrics: WebhookMetrics
    disable_after_hours: int

    def __call__(self, run: JobRun) -> Outcome:
        """Tries once, and says when again."""
        delivery_id = str(run.payload["delivery_id"])
        with run.begin() as unit:
            due = try_store.find(unit, delivery_id)
            if due is None:
                return Refused(not_found("webhook delivery", delivery_id))
            if due.disabled_reason is not None:
                return Refused(disabled(due.endpoint_id, due.disabled_reason))
            wait = _seconds_to_wait(unit, due)
            unit.commit(None)
        if wait is not None:
            self.metrics.postponed()
            return Later(wait * (1 + random()), PAUSED)
        run.proceed()
        tried = self._send(run.context.tenant_id, due)
        self.metrics.observe(tried.verdict, tried.seconds)
        return self._outcome(run, due, tried)

    def _send(self, tenant_id: str, due: Due) -> Tried:
        label = secret_label(tenant_id, due.endpoint_id)
        sealed = [due.secret] if due.old_secret is None else [due.secret, due.old_secret]
        body = due.body.encode("utf-8")
        headers = signature_headers(
            [self.secrets.open(secret, label) for secret in sealed],
            message_id=due.message_id,
            timestamp=int(time.time()),
            body=body,
        )
        return self.send(due.url, headers, body)

    def _outcome(self, run: JobRun, due: Due, tried: Tried) -> Outcome:
        gone = tried.verdict is Verdict.GONE
        why: str | None = None
        with run.begin() as unit:
            if tried.verdict is Verdict.DELIVERED:
                try_store.note_success(unit, due.endpoint_id)
            else:
                why = try_store.note_failure(
                    unit,
                    due.endpoint_id,
                    error=tried.error,
                    gone=gone,
                    disable_after_hours=self.disable_after_hours,
                )
            tries = try_store.record(
                unit,
                due.delivery_id,
                started_at=tried.started_at,
                duration_ms=round(tried.seconds * 1000),
                status=tried.status,
                error=tried.error,
                answer=tried.answer,
            )
            unit.commit(None)
        if why is not None:
            structlog.get_logger().warning(
                "webhook_endpoint_disabled", endpoint_id=due.endpoint_id, reason=why
            )
        if tried.verdict is Verdict.DELIVERED:
            return Done({"status": tried.status, "tries": tries})
        if not tries:
            # Its endpoint was deleted while it was sent.
            return Refused(not_found("webhook delivery", due.delivery_id))
        if why is not None or gone:
            return Refused(disabled(due.endpoint_id, why or tried.error))
        failure = undelivered(tried, tries)
        wait = retry_seconds(tries, tried.retry_after, random=random)
        return Refused(failure) if wait is None else Later(wait, failure)


def _seconds_to_wait(unit: UnitOfWork, due: Due) -> float | None:
    """Returns for how long the endpoint is left alone; None where the delivery may try."""
    # Whoever sends a test wants to know now.
    if due.pause_seconds is None or due.event_type == TEST_EVENT:
        return None
    if due.pause_seconds > 0:
        return due.pause_seconds
    return None if try_store.may_probe(unit, due.endpoint_id) else PROBE_SECONDS


def undelivered(tried: Tried, tries: int) -> Failure:
    """Says that a try failed."""
    return Failure(
        Reason.WEBHOOK_UNDELIVERED,
        f"Try {tries}: {tried.error}",
        {"tries": str(tries), "error": tried.error, "status": str(tried.status or "")},
    )


def disabled(endpoint_id: str, why: str) -> Failure:
    """Says that nothing is sent to the endpoint."""
    return Failure(
        Reason.WEBHOOK_ENDPOINT_DISABLED,
        f"The webhook endpoint {endpoint_id!r} is disabled: {why}",
        {"endpoint_id": endpoint_id, "disabled_reason": why},
    )
