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
from dramatiq.errors import DramatiqError

from core.platform.pulse import Pulse
from workers.places import Places

TRY_AGAIN_SECONDS = 1.0
# While messages flow, quick jobs free more places within this time, and slow ones lose nothing.
GATHER_SECONDS = 0.003

Messages = Sequence[Message[Any]]
Fetch = Callable[[str, int], Messages]
Prepare = Callable[[Messages], None]


class BlockingBroker(RedisBroker):
    """Keeps a queue as a plain list of messages, with a consumer that blocks. Needs Redis 6.2.

    Dramatiq's own broker keeps what was fetched until it is acknowledged. Here the ledger does that
    better, so a fetched message is gone, and costs no further round trip.

    `instead` fetches messages from elsewhere while Redis cannot be reached; `prepare` is given what
    was fetched, before a thread processes it; `crowded` is called where no place gets free for a
    while, so that what waits in memory can go elsewhere. None of them may raise.
    """

    def __init__(
        self,
        *,
        instead: Fetch,
        prepare: Prepare = lambda _found: None,
        crowded: Callable[[], object] = lambda: None,
        pulse: Pulse | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self.pulse = pulse or Pulse()
        self.instead = instead
        self.prepare = prepare
        self.crowded = crowded
        self._lock = threading.Lock()
        self._places: Places | None = None

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Puts a message at the end of its queue; one with a delay waits in Dramatiq's way."""
        if delay is not None:
            return super().enqueue(message, delay=delay)
        self.client.rpush(self.key(message.queue_name), message.encode())
        return message

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """Returns a consumer; all of them share the places, but for those of delayed messages."""
        if queue_name == dq_name(q_name(queue_name)):
            return super().consume(queue_name, prefetch, timeout)
        with self._lock:
            self._places = self._places or Places(prefetch)
        return BlockingConsumer(self, queue_name, prefetch, timeout / 1000, self._places)

    def note(self, seconds: float) -> None:
        """Learns how long the processing of a message took."""
        if self._places is not None:
            self._places.note(seconds)

    def key(self, queue: str) -> str:
        """Returns the name of a queue's list."""
        return f"{self.namespace}:{queue}"


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
        self._key = broker.key(queue_name)
        self._ready: deque[MessageProxy] = deque()
        self._away_until = 0.0
        self._away = False
        # While messages come one after the other, the next is asked for without waiting for it.
        self._flowing = False

    def __next__(self) -> MessageProxy | None:
        """Returns the next message, or None when none came in time."""
        pulse = self._broker.pulse
        pulse.turn(self._queue, within_seconds=self._seconds)
        if self._ready:
            return self._ready.popleft()
        if self.prefetch <= 0:
            time.sleep(self._seconds)
        elif self._places.wait(self._seconds):
            # Redis and Postgres may take their time.
            pulse.rest(self._queue)
            self._take()
        else:
            pulse.rest(self._queue)
            self._broker.crowded()
        return self._ready.popleft() if self._ready else None

    def ack(self, message: MessageProxy) -> None:  # noqa: ARG002 - nobody keeps it
        """Frees the place of a message that is done with."""
        self._places.give_back()

    def nack(self, message: MessageProxy) -> None:
        """Frees the place of a message that no actor takes; its job is dispatched again."""
        structlog.get_logger().error("message_refused", queue=self._queue, actor=message.actor_name)
        self._places.give_back()

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Puts messages back that were not begun. Their jobs are safe in any case."""
        waiting = [message.encode() for message in messages]
        if waiting and not self._away:
            try:
                self._broker.client.lpush(self._key, *reversed(waiting))
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
                    self._flowing = self._fetch(self._from_redis)
            except redis.RedisError as fault:
                self._lost(fault)
            else:
                return
        if not self._fetch(lambda most: self._broker.instead(self._queue, most)):
            time.sleep(max(0.0, min(self._seconds, self._away_until - time.monotonic())))

    def _there_is_one(self) -> bool:
        if self._flowing:
            self._places.gather(GATHER_SECONDS)
        if self._away or self._flowing:
            return True
        # Cast: the stubs know the asynchronous client as well.
        client: Any = self._broker.client
        return client.blmove(self._key, self._key, self._seconds, "LEFT", "LEFT") is not None

    def _from_redis(self, most: int) -> Messages:
        client: Any = self._broker.client
        found = client.lpop(self._key, most) or ()
        self._found()
        return [message for data in found if (message := _message(data)) is not None]

    def _fetch(self, fetch: Callable[[int], Messages]) -> bool:
        """Fetches into free places; tells whether there was a message."""
        reserved = self._places.reserve(self.prefetch)
        found: Messages = ()
        try:
            if reserved:
                found = fetch(reserved)
        finally:
            self._places.give_back(reserved - len(found))
        if found:
            self._broker.prepare(found)
        self._ready.extend(MessageProxy(message) for message in found)
        return bool(found)

    def _lost(self, fault: redis.RedisError) -> None:
        self._away_until = time.monotonic() + TRY_AGAIN_SECONDS
        self._flowing = False
        if not self._away:
            self._away = True
            structlog.get_logger().warning("redis_lost", queue=self._queue, reason=str(fault))

    def _found(self) -> None:
        if self._away:
            self._away = False
            structlog.get_logger().info("redis_found", queue=self._queue)


def _message(data: bytes) -> Message[Any] | None:
    """Returns the message; None for what is none, which would be met again and again."""
    try:
        return Message.decode(data)
    except DramatiqError:
        structlog.get_logger().error("message_unreadable", bytes=len(data))
        return None
