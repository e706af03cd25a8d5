"""Opens a span around each call, joined to the caller's trace.

The library's server interceptor is not used: it wraps handlers for each call on grpcio's serving
thread, and loses their thread pools on the way (docs/decisions/0004).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    NonRecordingSpan,
    Span,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from server.call import Answer, Call, Handler
from server.method import RpcMethod

FORMAT = TraceContextTextMapPropagator()
NO_PARENT = set_span_in_context(NonRecordingSpan(INVALID_SPAN_CONTEXT))
# Statuses that OpenTelemetry's conventions call an error of the server.
ERRORS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})


class Tracing:
    """Stands right behind the correlation id where tracing is on.

    Whether a call is sampled is decided before a span is made: by the caller's `traceparent`, or by
    chance where there is none. An unsampled call costs next to nothing.
    """

    def __init__(self, tracer: Tracer, sample_ratio: float) -> None:
        self._tracer = tracer
        self._sample_ratio = sample_ratio

    def __call__(self, method: RpcMethod, proceed: Handler) -> Handler:
        """Wraps a method; the name and attributes of its spans are made here."""
        name = method.path[1:]
        attributes = {
            "rpc.system": "grpc",
            "rpc.service": method.service,
            "rpc.method": method.name,
        }

        def start(call: Call) -> Span:
            parent = FORMAT.extract({"traceparent": call.traceparent}, NO_PARENT)
            span = self._tracer.start_span(
                name, parent, kind=SpanKind.SERVER, attributes=attributes
            )
            carry(span, call)
            return span

        def handle(call: Call) -> Answer:
            if not self._is_sampled(call.traceparent):
                return proceed(call)
            with use_span(start(call), end_on_exit=True) as span:
                answer = proceed(call)
                finish(span, call)
            return answer

        def handle_stream(call: Call) -> Answer:
            if not self._is_sampled(call.traceparent):
                return proceed(call)
            # Not made current: the iterator is run by grpcio, step by step.
            span = start(call)
            answer = proceed(call)
            if call.failure is not None:
                finish(span, call)
                span.end()
                return answer
            return stream(span, call, answer)

        def stream(span: Span, call: Call, answer: Any) -> Iterator[bytes]:
            try:
                yield from answer
            finally:
                finish(span, call)
                span.end()

        return handle_stream if method.streams else handle

    def _is_sampled(self, traceparent: str) -> bool:
        if traceparent:
            return bool(int(traceparent[-2:], 16) & TraceFlags.SAMPLED)
        return random.random() < self._sample_ratio


def carry(span: Span, call: Call) -> None:
    """Has jobs that the call starts belong to its trace."""
    context = span.get_span_context()
    if context.is_valid:
        flags = int(context.trace_flags)
        call.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags:02x}"


def finish(span: Span, call: Call) -> None:
    """Says on the span how the call ended."""
    if not span.is_recording():
        return
    code = "OK" if call.failure is None else call.failure.reason.code
    span.set_attribute("rpc.grpc.status_code", code)
    span.set_attribute("howdah.tenant_id", call.tenant_id)
    span.set_attribute("howdah.correlation_id", call.correlation_id)
    if code in ERRORS:
        span.set_status(Status(StatusCode.ERROR))
