"""Holds each tenant to its calls a second, and tells it how many are left."""

from __future__ import annotations

from core.failures import Failure, RefusedError
from core.platform.rate_limit import RateLimiter
from core.reasons import Reason
from server.call import Answer, Call, Handler
from server.method import RpcMethod

# What the methods of the node as a whole are counted under; no tenant's id begins so.
NODE = "_node"


class RateLimiting:
    """Takes the method's cost from the tenant's tokens."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter

    def __call__(self, method: RpcMethod, proceed: Handler) -> Handler:
        """Wraps a method."""
        take, cost = self._limiter.take, method.cost
        limit = ("x-ratelimit-limit", str(self._limiter.calls_per_second))

        def handle(call: Call) -> Answer:
            subject = call.tenant_id or NODE
            lease = take(subject, cost)
            call.initial_metadata += (
                limit,
                ("x-ratelimit-remaining", str(lease.remaining)),
                ("x-ratelimit-reset", str(lease.reset_seconds)),
            )
            if not lease.granted:
                raise RefusedError(
                    Failure(
                        Reason.RATE_LIMITED,
                        "The tenant has used up its calls for now.",
                        {"subject": subject},
                        retry_after_ms=lease.retry_after_ms,
                    )
                )
            return proceed(call)

        return handle
