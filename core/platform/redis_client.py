"""Opens a client of Redis whose every wait is bounded."""

from __future__ import annotations

import redis


def open_redis(url: str, timeout_seconds: float) -> redis.Redis:
    """Returns a client that connects when it is first used; its callers try again themselves."""
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=None,
        health_check_interval=0,
    )
