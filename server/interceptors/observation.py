"""Times, counts and logs every call: one line each, with who, what and how it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
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
            self._end(call, metrics, clock() - started)
            return answer

        def handle_stream(call: Call) -> Answer:
            started = clock()
            answer = proceed(call)
            if call.failure is not None:
                self._end(call, metrics, clock() - started)
                return answer
            return stream(call, answer, started)

        def stream(call: Call, answer: Any, started: float) -> Iterator[bytes]:
            try:
                yield from answer
            finally:
                # Also where the caller went away and grpcio closes the iterator.
                self._end(call, metrics, clock() - started)

        return handle_stream if method.streams else handle

    def _end(self, call: Call, metrics: MethodMetrics, seconds: float) -> None:
        failure = call.failure
        code = "OK" if failure is None else failure.reason.code
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
