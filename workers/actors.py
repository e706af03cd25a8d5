"""Declares the one actor: it hands a message to the use case that runs jobs."""

from __future__ import annotations

import time
from collections.abc import Callable

from dramatiq import Actor, Broker

from core.jobs.ledger import Ticket
from workers.middleware.log_context import require_bound


def declare_run_job(
    broker: Broker,
    run: Callable[[Ticket], None],
    *,
    queue: str,
    note: Callable[[float], None] = lambda _seconds: None,
) -> Actor[[str, str, int], None]:
    """Declares `run_job`; it serves every queue that the broker knows.

    `note` is told how long each took, in seconds.
    """

    def run_job(tenant_id: str, job_id: str, epoch: int) -> None:
        require_bound(tenant_id, job_id)
        begun = time.monotonic()
        run(Ticket(tenant_id, job_id, epoch))
        note(time.monotonic() - begun)

    return Actor(
        run_job, broker=broker, actor_name="run_job", queue_name=queue, priority=0, options={}
    )
