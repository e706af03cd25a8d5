"""Holds each tenant and each credential to its calls a second, and says how many are left."""

from __future__ import annotations

from core.failures import Failure, RefusedError
from core.platform.rate_limit import Lease, RateLimiter
from core.reasons import Reason
from server.call import Answer, Call, Handler
from server.method import RpcMethod


class RateLimiting:
    """Takes the method's cost from the tokens of the credential and of the tenant."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter

    def __call__(self, method: RpcMethod, proceed: Handler) -> Handler:
        """Wraps a method."""
        take, cost = self._limiter.take, method.cost
        limit = ("x-ratelimit-limit", str(self._limiter.calls_per_second))

        def handle(call: Call) -> Answer:
            assert call.principal is not None
            lease = take(f"key {call.principal.key_id}", cost)
            if lease.granted and call.tenant_id:
                lease = min(lease, take(f"tenant {call.tenant_id}", cost), key=tightness)
            call.initial_metadata += (
                limit,
                ("x-ratelimit-remaining", str(lease.remaining)),
                ("x-ratelimit-reset", str(lease.reset_seconds)),
            )
            if not lease.granted:
                raise RefusedError(
                    Failure(
                        Reason.RATE_LIMITED,
                        "The tenant or the credential has used up its calls for now.",
                        {"subject": call.tenant_id or "node"},
                        retry_after_ms=lease.retry_after_ms,
                    )
                )
            return proceed(call)

        return handle


def tightness(lease: Lease) -> tuple[bool, int]:
    """Orders leases: a refusal before a grant, and few calls left before many."""
    return lease.granted, lease.remaining
