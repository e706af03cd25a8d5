from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog
from dramatiq import Message, Middleware, Worker
from dramatiq.brokers.stub import StubBroker
from prometheus_client import CollectorRegistry

from core.jobs.ledger import Ticket
from core.jobs.metrics import JobMetrics
from core.platform.queue import ACTOR
from workers.actors import declare_run_job
from workers.middleware.log_context import LogContext


@contextmanager
def running(
    *middleware: Middleware,
) -> Iterator[tuple[StubBroker, list[tuple[Ticket, dict[str, object]]]]]:
    """Yields a broker with a worker, and what the actor was given with what the log knew."""
    seen: list[tuple[Ticket, dict[str, object]]] = []
    broker = StubBroker(middleware=list(middleware))
    declare_run_job(
        broker,
        lambda ticket: seen.append((ticket, dict(structlog.contextvars.get_contextvars()))),
        queue="default",
    )
    worker = Worker(broker, worker_timeout=10, worker_threads=1)
    worker.start()
    try:
        yield broker, seen
    finally:
        worker.stop()
        broker.close()


def send(broker: StubBroker, tenant_id: str = "acme") -> None:
    broker.enqueue(
        Message(
            queue_name="default",
            actor_name=ACTOR,
            args=(),
            kwargs={"tenant_id": tenant_id, "job_id": "0", "epoch": 3},
            options={},
        )
    )
    broker.join("default", fail_fast=False)


def test_a_message_reaches_the_use_case_with_its_tenant_bound_to_the_log() -> None:
    with running(LogContext()) as (broker, seen):
        send(broker)
        send(broker, "globex")
    assert [ticket for ticket, _ in seen] == [Ticket("acme", "0", 3), Ticket("globex", "0", 3)]
    assert [bound["tenant_id"] for _, bound in seen] == ["acme", "globex"]


def test_a_message_does_not_run_when_its_binding_failed(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(LogContext):
        def before_process_message(self, *_arguments: object) -> None:
            raise ValueError("and Dramatiq goes on")

    caplog.set_level(logging.CRITICAL + 1)
    with running(Broken()) as (broker, seen):
        send(broker)
    assert seen == []


def test_attempts_are_timed_by_what_became_of_the_job_and_failures_counted_by_reason() -> None:
    registry = CollectorRegistry()
    metrics = JobMetrics(registry)
    metrics.observe("records.import", "succeeded", 0.2, None)
    metrics.observe("records.import", "queued", 0.1, "JOB_BROKEN")

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"kind": "records.import", **labels})

    assert value("job_duration_seconds_count", state="succeeded") == 1
    assert value("job_duration_seconds_sum", state="queued") == pytest.approx(0.1)
    assert value("job_failures_total", reason="JOB_BROKEN") == 1
