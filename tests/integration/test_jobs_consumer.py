from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from dramatiq import Actor, Message, Worker

from tests.jobs_lab import await_value
from tests.jobs_redis import OwnRedis
from workers.consumer import BlockingBroker
from workers.middleware.pace import Pace


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    own = OwnRedis(tmp_path)
    yield own
    own.stop()


@contextmanager
def running(
    own: OwnRedis,
    act: Callable[[int], object],
    *,
    threads: int = 2,
    poll_milliseconds: int = 200,
    delays: bool = False,
) -> Iterator[tuple[BlockingBroker, Worker]]:
    """Yields a broker with two queues and a worker on both, without delayed messages as ours."""
    broker = BlockingBroker(
        instead=lambda _queue, _most: (),
        client=redis.Redis.from_url(own.url, socket_timeout=5, retry=None),
        middleware=[Pace(poll_milliseconds=poll_milliseconds)],
    )
    Actor(act, broker=broker, actor_name="act", queue_name="default", priority=0, options={})
    broker.declare_queue("bulk")
    if not delays:
        broker.delay_queues.clear()
    worker = Worker(broker, worker_threads=threads)
    worker.start()
    try:
        yield broker, worker
    finally:
        worker.stop(5_000)
        broker.client.close()


def send(broker: BlockingBroker, number: int, *, queue: str = "default", **options: Any) -> None:
    broker.enqueue(Message(queue, "act", (number,), {}, {}), **options)


def left_behind(own: OwnRedis) -> list[bytes]:
    """Returns the keys of messages that somebody forgot."""
    with redis.Redis.from_url(own.url) as client:
        return [key for key in client.keys("*") if b"heartbeats" not in key]


def test_an_idle_worker_takes_a_message_at_once_and_asks_seldom(own_redis: OwnRedis) -> None:
    taken: list[float] = []
    with running(own_redis, lambda _number: taken.append(time.monotonic())) as (broker, _worker):
        waits = []
        for number in range(20):
            time.sleep(0.03)
            sent = time.monotonic()
            send(broker, number, queue="bulk" if number % 2 else "default")
            await_value(lambda wanted=number: len(taken) > wanted or None)  # type: ignore[misc]
            waits.append(taken[-1] - sent)
        assert sorted(waits)[10] < 0.02
        before = broker.client.info("stats")["total_commands_processed"]
        time.sleep(1)
        # Two queues, five looks a second each.
        assert broker.client.info("stats")["total_commands_processed"] - before < 20
    assert left_behind(own_redis) == []


def test_no_message_is_taken_ahead_of_a_free_thread(own_redis: OwnRedis) -> None:
    go = threading.Event()
    with running(own_redis, lambda _number: go.wait(10)) as (broker, _worker):
        for number in range(6):
            send(broker, number, queue="bulk" if number % 2 else "default")
        waiting = await_value(
            lambda: (
                4
                if broker.client.llen("dramatiq:default") + broker.client.llen("dramatiq:bulk") == 4
                else None
            )
        )
        time.sleep(0.3)
        assert (
            broker.client.llen("dramatiq:default") + broker.client.llen("dramatiq:bulk") == waiting
        )
        go.set()
        await_value(lambda: not left_behind(own_redis) or None)


def test_a_delayed_message_comes_when_it_is_due(own_redis: OwnRedis) -> None:
    taken: list[float] = []

    def act(_number: int) -> None:
        taken.append(time.monotonic())

    with running(own_redis, act, delays=True) as (broker, _worker):
        sent = time.monotonic()
        send(broker, 1, delay=500)
        await_value(lambda: taken or None)
        assert 0.5 <= taken[0] - sent < 2
        await_value(lambda: not left_behind(own_redis) or None)


def test_a_paused_worker_takes_nothing_and_goes_on_when_resumed(own_redis: OwnRedis) -> None:
    taken: list[int] = []
    with running(own_redis, taken.append, poll_milliseconds=50) as (broker, worker):
        worker.pause()
        send(broker, 1)
        time.sleep(0.3)
        assert taken == []
        worker.resume()
        await_value(lambda: taken or None)


def test_a_worker_that_lost_redis_comes_back_and_nobody_waited_for_it(own_redis: OwnRedis) -> None:
    begun, go, taken = threading.Event(), threading.Event(), list[int]()

    def act(number: int) -> None:
        begun.set()
        go.wait(10)
        taken.append(number)

    with running(own_redis, act) as (broker, worker):
        send(broker, 1)
        assert begun.wait(5)
        own_redis.stop()
        go.set()
        # Acknowledged as far as its thread is concerned, which Dramatiq would keep waiting.
        await_value(lambda: worker.work_queue.unfinished_tasks == 0 or None)
        own_redis.start()
        back = time.monotonic()
        await_value(lambda: redis_answers(broker))
        send(broker, 2)
        await_value(lambda: 2 in taken or None)
        assert time.monotonic() - back < 2.5


def test_a_wiped_redis_changes_nothing_for_a_worker(own_redis: OwnRedis) -> None:
    taken: list[int] = []
    with running(own_redis, taken.append) as (broker, _worker):
        for number in range(10):
            broker.client.flushall()
            send(broker, number)
            await_value(lambda wanted=number: wanted in taken or None)  # type: ignore[misc]


def test_what_is_no_message_is_passed_over(own_redis: OwnRedis) -> None:
    taken: list[int] = []
    with running(own_redis, taken.append, threads=1) as (broker, _worker):
        for number in range(3):
            broker.client.rpush("dramatiq:default", "no message")
            send(broker, number)
        await_value(lambda: len(taken) == 3 or None)


def test_what_was_fetched_is_prepared_together_before_it_is_processed(own_redis: OwnRedis) -> None:
    prepared: list[list[int]] = []
    taken: list[int] = []
    with running(own_redis, taken.append, threads=4) as (broker, _worker):
        broker.prepare = lambda found: prepared.append([message.args[0] for message in found])
        broker.client.rpush(
            "dramatiq:default",
            *(Message("default", "act", (number,), {}, {}).encode() for number in range(4)),
        )
        await_value(lambda: len(taken) == 4 or None)
    assert prepared == [[0, 1, 2, 3]]


def test_quick_messages_are_taken_ahead_of_free_threads_until_one_is_slow(
    own_redis: OwnRedis,
) -> None:
    go, crowded = threading.Event(), threading.Event()

    def act(number: int) -> None:
        if number >= 4:
            go.wait(20)

    with running(own_redis, act) as (broker, _worker):
        broker.crowded = crowded.set
        for number in range(4):
            send(broker, number)
        await_value(lambda: broker.client.llen("dramatiq:default") == 0 or None)
        for _ in range(100):
            broker.note(0.001)
        for number in range(4, 14):
            send(broker, number)
        # Two threads are busy and as many messages wait behind them.
        await_value(lambda: broker.client.llen("dramatiq:default") == 6 or None)
        assert crowded.wait(5)
        for _ in range(100):
            broker.note(1.0)
        go.set()
        await_value(lambda: broker.client.llen("dramatiq:default") == 0 or None)


def test_a_worker_stops_while_it_waits_and_while_redis_is_away(own_redis: OwnRedis) -> None:
    for away in (False, True):
        with running(own_redis, lambda _number: None) as (_broker, _worker):
            if away:
                own_redis.stop()
            stopping = time.monotonic()
        assert time.monotonic() - stopping < 2
    own_redis.start()


def redis_answers(broker: BlockingBroker) -> bool | None:
    try:
        return bool(broker.client.ping())
    except redis.RedisError:
        return None
