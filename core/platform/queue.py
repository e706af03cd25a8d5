"""Hands jobs to the workers through Redis, in Dramatiq's own format; a message may be lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import redis
from dramatiq import Message

from core.failures import Failure, RefusedError
from core.reasons import Reason

# The actor is known by its name only: the sender does not import the worker.
ACTOR = "run_job"
NAMESPACE = "howdah"


class JobQueue:
    """Publishes jobs. Nothing depends on a message: whatever is lost is published again."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def publish(self, queue: str, jobs: Sequence[tuple[str, str, int]]) -> None:
        """Puts jobs, each by tenant, id and epoch, where the next free workers take them."""
        messages = [
            job_message(queue, tenant_id=tenant_id, job_id=job_id, epoch=epoch).encode()
            for tenant_id, job_id, epoch in jobs
        ]
        with redis_faults():
            self._client.rpush(_key(queue), *messages)

    def length(self, queue: str) -> int:
        """Returns the number of jobs that no worker has taken yet."""
        with redis_faults():
            return int(self._client.llen(_key(queue)))

    def say_crowded(self, queue: str, *, seconds: float) -> None:
        """Says, for so long, that jobs wait in Postgres for a place in this queue."""
        with redis_faults():
            self._client.set(_crowded_key(queue), "1", px=int(seconds * 1000))

    def clear_length(self, queue: str) -> int | None:
        """Returns the length of a queue, or None where it was said to be crowded."""
        with redis_faults(), self._client.pipeline(transaction=False) as both:
            both.llen(_key(queue))
            both.exists(_crowded_key(queue))
            length, crowded = both.execute()
            return None if crowded else int(length)

    def announce(self, worker_id: str, *, seconds: int) -> None:
        """Says, for so many seconds, that a worker lives."""
        with redis_faults():
            self._client.set(f"{NAMESPACE}:worker:{worker_id}", "1", ex=seconds)

    def withdraw(self, worker_id: str) -> None:
        """Says that a worker is gone."""
        with redis_faults():
            self._client.delete(f"{NAMESPACE}:worker:{worker_id}")


def job_message(queue: str, *, tenant_id: str, job_id: str, epoch: int) -> Message[None]:
    """Returns the message that names one dispatch of one job."""
    return Message(
        queue_name=queue,
        actor_name=ACTOR,
        args=(),
        kwargs={"job_id": job_id, "tenant_id": tenant_id, "epoch": epoch},
        options={},
    )


def _key(queue: str) -> str:
    return f"{NAMESPACE}:{queue}"


def _crowded_key(queue: str) -> str:
    return f"{NAMESPACE}:{queue}:crowded"


@contextmanager
def redis_faults() -> Iterator[None]:
    """Turns what an unreachable or slow Redis raises into a catalogued refusal."""
    try:
        yield
    except redis.RedisError as fault:
        raise RefusedError(QUEUE_UNAVAILABLE) from fault


QUEUE_UNAVAILABLE = Failure(
    Reason.STORE_UNAVAILABLE, "The node cannot reach its job queue.", retry_after_ms=1_000
)
