"""Takes messages from Redis as they come: it blocks until there is one, instead of sleeping."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import redis
import structlog
from dramatiq import Consumer, Message, MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.common import dq_name, q_name

from workers.places import Places

# Dramatiq takes the messages of a worker that has not fetched for a minute for lost.
BEAT_SECONDS = 15.0
TRY_AGAIN_SECONDS = 1.0

Fetch = Callable[[str, int], Sequence[Message[Any]]]


class BlockingBroker(RedisBroker):
    """Is Dramatiq's broker with a consumer that blocks. Needs Redis 6.2.

    `instead` fetches messages from elsewhere while Redis cannot be reached.
    """

    def __init__(self, *, instead: Fetch, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self.instead = instead
        self._lock = threading.Lock()
        self._places: Places | None = None

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """Returns a consumer; all of them share the places, but for those of delayed messages."""
        with self._lock:
            if queue_name == dq_name(q_name(queue_name)):
                places = Places(prefetch)
            else:
                places = self._places = self._places or Places(prefetch)
        return BlockingConsumer(self, queue_name, prefetch, timeout / 1000, places)


class BlockingConsumer(Consumer):
    """Waits for a message by moving the head of the list to where it is.

    The move changes nothing, and blocks while there is no head. It survives Redis by itself:
    Dramatiq would restart it three seconds later, and keep worker threads waiting till then.
    """

    def __init__(
        self,
        broker: BlockingBroker,
        queue_name: str,
        prefetch: int,
        seconds: float,
        places: Places,
    ) -> None:
        # Dramatiq's name, known to the middleware that drains: 0 ends the fetching.
        self.prefetch = prefetch
        self._broker = broker
        self._queue = queue_name
        self._places = places
        patience = broker.client.connection_pool.connection_kwargs.get("socket_timeout")
        self._seconds = seconds if patience is None else min(seconds, patience / 2)
        self._key = f"{broker.namespace}:{queue_name}"
        self._ready: deque[MessageProxy] = deque()
        self._owed: deque[str] = deque()
        self._beat_at = 0.0
        self._away_until = 0.0
        self._away = False

    def __next__(self) -> MessageProxy | None:
        """Returns the next message, or None when none came in time."""
        if self._ready:
            return self._ready.popleft()
        if self.prefetch <= 0:
            time.sleep(self._seconds)
        elif self._places.wait(self._seconds):
            self._take()
        return self._ready.popleft() if self._ready else None

    def ack(self, message: MessageProxy) -> None:
        """Forgets a message; where Redis is away it is forgotten later, and nothing waits."""
        self._forget(message, self._broker.do_ack)

    def nack(self, message: MessageProxy) -> None:
        """Puts a message aside that no actor takes."""
        self._forget(message, self._broker.do_nack)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Puts messages back that were not begun. Their jobs are safe in any case."""
        ids = [name for message in messages if (name := _redis_id(message)) is not None]
        if ids and not self._away:
            try:
                self._broker.do_requeue(self._queue, *ids)
            except redis.RedisError as fault:
                self._lost(fault)

    def close(self) -> None:
        """Puts back what was fetched and not handed on."""
        waiting = list(self._ready)
        self._ready.clear()
        self._places.give_back(len(waiting))
        self.requeue(waiting)

    def _take(self) -> None:
        """Fetches as many messages as there are places, from Redis or from elsewhere."""
        if not self._away or time.monotonic() >= self._away_until:
            try:
                if self._there_is_one() and self.prefetch > 0:
                    self._fetch(self._from_redis)
            except redis.RedisError as fault:
                self._lost(fault)
            else:
                return
        if not self._fetch(lambda most: self._broker.instead(self._queue, most)):
            time.sleep(max(0.0, min(self._seconds, self._away_until - time.monotonic())))

    def _there_is_one(self) -> bool:
        if self._away or self._owed or time.monotonic() >= self._beat_at:
            # Asking outright shows Dramatiq's other workers that this one lives.
            return True
        # Cast: the stubs know the asynchronous client as well.
        client: Any = self._broker.client
        return client.blmove(self._key, self._key, self._seconds, "LEFT", "LEFT") is not None

    def _from_redis(self, most: int) -> list[Message[Any]]:
        while self._owed:
            self._broker.do_ack(self._queue, self._owed[0])
            self._owed.popleft()
        found = self._broker.do_fetch(self._queue, most)
        self._beat_at = time.monotonic() + BEAT_SECONDS
        self._found()
        # None where the list of a half-wiped Redis names a message that is gone.
        return [Message.decode(data) for data in found if data is not None]

    def _fetch(self, fetch: Callable[[int], Sequence[Message[Any]]]) -> bool:
        reserved = self._places.reserve(self.prefetch)
        messages: Sequence[Message[Any]] = ()
        try:
            if reserved:
                messages = fetch(reserved)
        finally:
            self._places.give_back(reserved - len(messages))
        self._ready.extend(MessageProxy(message) for message in messages)
        return bool(messages)

    def _forget(self, message: MessageProxy, forget: Callable[..., object]) -> None:
        self._places.give_back()
        name = _redis_id(message)
        if name is None:
            return
        if self._away:
            self._owed.append(name)
            return
        try:
            forget(self._queue, name)
        except redis.RedisError as fault:
            self._owed.append(name)
            self._lost(fault)

    def _lost(self, fault: redis.RedisError) -> None:
        self._away_until = time.monotonic() + TRY_AGAIN_SECONDS
        if not self._away:
            self._away = True
            structlog.get_logger().warning("redis_lost", queue=self._queue, reason=str(fault))

    def _found(self) -> None:
        if self._away:
            self._away = False
            structlog.get_logger().info("redis_found", queue=self._queue)


def _redis_id(message: MessageProxy) -> str | None:
    """Returns the id that Redis knows a message by; None for one that never was in Redis."""
    name: str | None = message.options.get("redis_message_id")
    return name
