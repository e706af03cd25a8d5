"""Times, counts and logs every call: one line each, with who, what and how it ended."""

from __future__ import annotations

import time
from typing import Any

from core.platform.access_log import AccessLog
from core.platform.telemetry import MethodMetrics, RpcMetrics
from server.call import Answer, Call, Handler
from server.method import RpcMethod

# Statuses that are the node's trouble, not the caller's.
ALARMING = frozenset({"INTERNAL", "UNKNOWN", "DATA_LOSS"})


class Observation:
    """Is the outermost interceptor."""

    def __init__(self, metrics: RpcMetrics, log: AccessLog) -> None:
        self._metrics = metrics
        self._log = log

    def __call__(self, method: RpcMethod, proceed: Handler) -> Handler:
        """Wraps a method; a stream is observed until its end."""
        metrics = self._metrics.for_method(method.service, method.name)
        clock = time.perf_counter

        def handle(call: Call) -> Answer:
            started = clock()
            answer = proceed(call)
            call.answered = True
            self._end(call, metrics, clock() - started)
            return answer

        def handle_stream(call: Call) -> Answer:
            started = clock()
            answer = proceed(call)

            def end() -> None:
                self._end(call, metrics, clock() - started)

            # The call may end before the first message is taken, and then no iterator runs.
            if call.failure is not None or not call.transport.add_callback(end):
                end()
            return answer

        return handle_stream if method.streams else handle

    def _end(self, call: Call, metrics: MethodMetrics, seconds: float) -> None:
        failure = call.failure
        if failure is not None:
            code = failure.reason.code
        else:
            code = "OK" if call.answered else "CANCELLED"
        metrics.observe(code, seconds)
        principal = call.principal
        fields: dict[str, Any] = {
            "method": call.method.path,
            "code": code,
            "duration_ms": round(seconds * 1000, 3),
            "tenant_id": call.tenant_id,
            "correlation_id": call.correlation_id,
            "key_id": principal.key_id if principal is not None else "",
        }
        if failure is not None:
            fields["reason"] = failure.reason.name
        self._log.write(fields, alarming=code in ALARMING)
