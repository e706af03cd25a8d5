"""Is Celery on Redis as its guide teaches for short tasks that must not be lost."""

from __future__ import annotations

import os
import time
from typing import Any

import celery
import redis

from benchmarks.queues.marks import Marks
from benchmarks.queues.queue import REDIS_VARIABLE

marks = Marks()
url = os.environ[REDIS_VARIABLE]
client = redis.Redis.from_url(url)

app: Any = celery.Celery("bench", broker=url.replace("unix://", "redis+socket://"))
app.conf.update(
    # A worker that dies loses no task, as with all the others here.
    task_acks_late=True,
    # The guide advises 64 or 128 for lots of short tasks; the default of 4 is slower.
    worker_prefetch_multiplier=64,
    # Nobody asks for results, and there is nowhere to keep them.
    task_ignore_result=True,
)


@app.task  # type: ignore[untyped-decorator]
def job() -> None:
    """Leaves its mark."""
    marks.leave()


class CeleryQueue:
    """Sends one message a task; a group does the same."""

    def submit(self) -> float:
        """Sends a task."""
        job.delay()
        return time.monotonic()

    def submit_many(self, jobs: int) -> None:
        """Sends a group."""
        celery.group(job.s() for _ in range(jobs)).apply_async()

    def settled(self) -> bool:
        """Looks for tasks that wait and for those that nobody has acknowledged."""
        return client.llen("celery") == 0 and client.hlen("unacked") == 0


def connect() -> CeleryQueue:
    """Returns the queue."""
    return CeleryQueue()
