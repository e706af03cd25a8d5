"""Is the boundary at which whatever goes wrong becomes one failure of the call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import structlog

from core.failures import Failure, RefusedError
from core.reasons import Reason
from server.call import Answer, Call, Handler
from server.method import RpcMethod


def bound_errors(method: RpcMethod, proceed: Handler) -> Handler:
    """Catches refusals, which are expected, and exceptions, which are bugs and logged once."""

    def handle(call: Call) -> Answer:
        try:
            if call.early_refusal is None:
                return proceed(call)
            call.failure = call.early_refusal
        except RefusedError as refusal:
            call.failure = refusal.failure
        except Exception:  # noqa: BLE001 - this is the boundary: nothing below may reach grpcio.
            call.failure = unexpected(call)
        return b""

    def handle_stream(call: Call) -> Answer:
        answer = handle(call)
        return answer if call.failure is not None else stream(call, answer)

    def stream(call: Call, answer: Any) -> Iterator[bytes]:
        try:
            yield from answer
            call.answered = True
        except RefusedError as refusal:
            call.failure = refusal.failure
        except Exception:  # noqa: BLE001 - as above
            call.failure = unexpected(call)

    return handle_stream if method.streams else handle


def unexpected(call: Call) -> Failure:
    """Logs the exception at hand and returns what the caller may know of it: nothing."""
    structlog.get_logger().exception("unexpected_exception", method=call.method.path)
    return Failure(
        Reason.INTERNAL, f"Something broke in the node. Correlation id: {call.correlation_id}"
    )
