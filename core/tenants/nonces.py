"""Remembers which nonces were used: for reads in this process, for changes across all of them."""

from __future__ import annotations

import threading
import time

import redis

from core.failures import Failure, RefusedError
from core.reasons import Reason

ASK_AGAIN_SECONDS = 1.0
STORE_GONE = Failure(
    Reason.AUTH_STORE_UNAVAILABLE,
    "The node cannot check the caller now.",
    retry_after_ms=1_000,
)


class LocalNonces:
    """Remembers the nonces of reads for at least `keep_seconds`, in bounded memory.

    Two generations take turns: the older is dropped when the newer is old enough, or full.
    """

    def __init__(self, keep_seconds: float, capacity: int) -> None:
        self._keep_seconds = keep_seconds
        self._capacity = capacity // 2
        self._current: dict[str, object] = {}
        self._previous: dict[str, object] = {}
        self._since = time.monotonic()
        self._turning = threading.Lock()

    def is_new(self, key_id: str, nonce: str) -> bool:
        """Remembers the nonce and tells whether it was unseen."""
        if (
            len(self._current) >= self._capacity
            or time.monotonic() - self._since > self._keep_seconds
        ):
            self._turn()
        name = f"{key_id} {nonce}"
        mark = object()
        # setdefault is atomic: of two threads with one nonce, only one finds its own mark.
        return name not in self._previous and self._current.setdefault(name, mark) is mark

    def _turn(self) -> None:
        with self._turning:
            full = len(self._current) >= self._capacity
            if full or time.monotonic() - self._since > self._keep_seconds:
                self._previous, self._current = self._current, {}
                self._since = time.monotonic()


class SharedNonces:
    """Remembers the nonces of changing calls in Redis; refuses the call where Redis is gone."""

    def __init__(self, client: redis.Redis, audience: str, keep_seconds: float) -> None:
        self._client = client
        self._prefix = f"howdah:nonce:{audience}:"
        self._keep_ms = int(keep_seconds * 1000)
        self._away_until = 0.0

    def is_new(self, key_id: str, nonce: str) -> bool:
        """Remembers the nonce and tells whether it was unseen; may raise AUTH_STORE_UNAVAILABLE."""
        if time.monotonic() < self._away_until:
            raise RefusedError(STORE_GONE)
        try:
            stored = self._client.set(
                f"{self._prefix}{key_id}:{nonce}", 1, nx=True, px=self._keep_ms
            )
        except redis.RedisError as fault:
            # One call a second finds out; the others are not held up by a server that hangs.
            self._away_until = time.monotonic() + ASK_AGAIN_SECONDS
            raise RefusedError(STORE_GONE) from fault
        return bool(stored)
