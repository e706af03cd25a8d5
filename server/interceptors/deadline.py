"""Gives every call a deadline: the caller's, shortened to the method's longest."""

from __future__ import annotations

import time

from core.failures import Failure, RefusedError
from core.reasons import Reason
from server.call import Answer, Call, Handler
from server.method import RpcMethod

# grpcio says "none" as some 290 years.
NO_DEADLINE_SECONDS = 100 * 365 * 86_400
PASSED = Failure(Reason.DEADLINE_EXCEEDED, "The deadline passed before the call was begun.")


def set_deadline(method: RpcMethod, proceed: Handler) -> Handler:
    """Drops a call whose caller gave up while it waited for a thread."""
    usual, longest = method.default_deadline_seconds, method.max_deadline_seconds

    def handle(call: Call) -> Answer:
        remaining = call.transport.time_remaining()
        if remaining > NO_DEADLINE_SECONDS:
            remaining = usual
        elif remaining <= 0 or not call.transport.is_active():
            raise RefusedError(PASSED)
        call.deadline = time.monotonic() + min(remaining, longest)
        return proceed(call)

    return handle
