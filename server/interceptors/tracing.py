"""Opens a span around each call, joined to the caller's trace.

The library's server interceptor is not used: it wraps handlers for each call on grpcio's serving
thread, and loses their thread pools on the way (docs/decisions/0004).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opentelemetry.context import Context as TraceContext
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    NonRecordingSpan,
    Span,
    SpanKind,
    Status,
    StatusCode,
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
    """Stands outside of the chain's other interceptors where tracing is on."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def __call__(self, method: RpcMethod, proceed: Handler) -> Handler:
        """Wraps a method; the name and attributes of its spans are made here."""
        name = method.path[1:]
        attributes = {
            "rpc.system": "grpc",
            "rpc.service": method.service,
            "rpc.method": method.name,
        }

        def start(call: Call) -> Span:
            return self._tracer.start_span(
                name, parent_of(call), kind=SpanKind.SERVER, attributes=attributes
            )

        def handle(call: Call) -> Answer:
            span = start(call)
            with use_span(span, end_on_exit=True):
                carry(span, call)
                answer = proceed(call)
                finish(span, call)
            return answer

        def handle_stream(call: Call) -> Answer:
            span = start(call)
            # Not made current: the iterator is run by grpcio, step by step.
            carry(span, call)
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


def parent_of(call: Call) -> TraceContext:
    """Returns the caller's span from `traceparent`, or none."""
    for key, value in call.transport.invocation_metadata():
        if key == "traceparent" and isinstance(value, str):
            return FORMAT.extract({"traceparent": value}, NO_PARENT)
    return NO_PARENT


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
