"""Is plain Dramatiq on Redis as its guide teaches; its middleware is the default."""

from __future__ import annotations

import os
import time

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

from benchmarks.queues.marks import Marks
from benchmarks.queues.queue import REDIS_VARIABLE

marks = Marks()
client = redis.Redis.from_url(os.environ[REDIS_VARIABLE])
broker = RedisBroker(client=client)  # type: ignore[no-untyped-call]
dramatiq.set_broker(broker)


@dramatiq.actor
def job() -> None:
    """Leaves its mark."""
    marks.leave()


class DramatiqQueue:
    """Sends one message a job; there is no other way to send many."""

    def submit(self) -> float:
        """Sends a message."""
        job.send()
        return time.monotonic()

    def submit_many(self, jobs: int) -> None:
        """Sends one after the other."""
        for _ in range(jobs):
            job.send()

    def settled(self) -> bool:
        """Looks for messages; one that is acknowledged is deleted."""
        return client.hlen("dramatiq:default.msgs") == 0


def connect() -> DramatiqQueue:
    """Returns the queue."""
    return DramatiqQueue()
