"""Limits calls a second across all processes, without a round trip for each call.

Each process leases tokens from Redis in batches and hands them out by itself. So at most one batch
a process, a twentieth of a second's calls, can be unspent elsewhere when a tenant is refused, and
a tenant can never get more than its rate and burst. Where Redis is gone, each process goes on at
the full rate by itself, so the limit is then multiplied by the number of processes. The client it
is given should give up soon: calls of one tenant wait for its lease.
"""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

import redis

# One call of the script: refill by the time that has passed, then give up to what was asked for.
LEASE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local wanted, least = tonumber(ARGV[3]), tonumber(ARGV[4])
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(state[1]) or burst, tonumber(state[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate / 1000)
local given = 0
if tokens >= least then given = math.min(wanted, math.floor(tokens)) end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens - given), 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
return {given, math.floor(tokens - given)}
"""
BATCHES_PER_SECOND = 20
LONGEST_LEASE_SECONDS = 1.0
# A process asks a server that is away, or hangs, no more often than this.
ASK_AGAIN_SECONDS = 5.0
# Subjects a process remembers; beyond, it forgets all of them, and with them unspent tokens.
CAPACITY = 10_000


class Lease(NamedTuple):
    """Says whether a call may go on, and how many more could follow it at once."""

    granted: bool
    remaining: int
    reset_seconds: int
    retry_after_ms: int = 0


class Bucket:
    """Holds the tokens this process has for one subject."""

    __slots__ = ("expires", "lock", "refilled", "remaining", "tokens")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tokens = 0
        self.remaining = 0
        self.expires = 0.0
        self.refilled = 0.0


class RateLimiter:
    """Gives each subject `calls_per_second`, and `burst` at once after a pause."""

    def __init__(
        self, client: redis.Redis, audience: str, calls_per_second: int, burst: int
    ) -> None:
        self.calls_per_second = calls_per_second
        self._burst = max(burst, 1)
        self._batch = max(1, calls_per_second // BATCHES_PER_SECOND)
        self._prefix = f"howdah:rate:{audience}:"
        self._script = client.register_script(LEASE)
        self._buckets: dict[str, Bucket] = {}
        self._alone_until = 0.0

    def take(self, subject: str, cost: int) -> Lease:
        """Takes `cost` tokens of the subject, from Redis where this process has too few."""
        bucket = self._buckets.get(subject)
        if bucket is None:
            if len(self._buckets) >= CAPACITY:
                self._buckets.clear()
            bucket = self._buckets.setdefault(subject, Bucket())
        with bucket.lock:
            if bucket.tokens < cost or time.monotonic() > bucket.expires:
                self._lease(subject, bucket, cost)
            if bucket.tokens < cost:
                wait = (cost - bucket.tokens) * 1000 // self.calls_per_second + 1
                return Lease(False, 0, wait // 1000 + 1, wait)
            bucket.tokens -= cost
            remaining = bucket.remaining + bucket.tokens
            missing = max(0, self._burst - remaining)
            return Lease(True, remaining, -(-missing // self.calls_per_second))

    def _lease(self, subject: str, bucket: Bucket, cost: int) -> None:
        now = time.monotonic()
        if now > bucket.expires:
            bucket.tokens = 0  # a lease is for now, not for a rainy day
        if now >= self._alone_until:
            try:
                given, bucket.remaining = self._script(
                    keys=[self._prefix + subject],
                    args=[
                        self.calls_per_second,
                        max(self._burst, cost),
                        max(self._batch, cost),
                        cost - bucket.tokens,
                    ],
                )
            except redis.RedisError:
                now = time.monotonic()  # a server that hangs has taken a while to fail
                self._alone_until = now + ASK_AGAIN_SECONDS
                given = self._earned_alone(bucket, now)
        else:
            given = self._earned_alone(bucket, now)
        if given:
            bucket.refilled = now
        bucket.tokens += given
        bucket.expires = now + LONGEST_LEASE_SECONDS

    def _earned_alone(self, bucket: Bucket, now: float) -> int:
        """Returns what the rate gives for the time since the last refill, a second at the most."""
        bucket.remaining = 0
        return int(min(now - bucket.refilled, LONGEST_LEASE_SECONDS) * self.calls_per_second)
