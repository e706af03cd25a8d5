"""Gives every call its correlation id, and sends it back with the first thing the caller gets."""

from __future__ import annotations

import re
import uuid

import structlog

from core.failures import Failure
from core.reasons import Reason
from server.call import Answer, Call, Handler
from server.method import RpcMethod

UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
# Metadata the node reads. Sent twice, it could mean one thing here and another at a proxy.
SINGLE = frozenset(
    {
        "authorization",
        "traceparent",
        "x-correlation-id",
        "x-internal-key-id",
        "x-internal-nonce",
        "x-internal-signature",
        "x-internal-timestamp",
        "x-tenant-id",
    }
)


def correlate(method: RpcMethod, proceed: Handler) -> Handler:
    """Reads the metadata and binds the id to every log line of the call."""
    path = method.path
    bind = structlog.contextvars.bind_contextvars

    def handle(call: Call) -> Answer:
        metadata: dict[str, str] = {}
        for key, value in call.transport.invocation_metadata():
            if key in SINGLE:
                if key in metadata:
                    call.early_refusal = _invalid(key, "is sent twice")
                metadata[key] = value if isinstance(value, str) else ""
        call.metadata = metadata
        given = metadata.get("x-correlation-id", "")
        if given and not UUID.fullmatch(given):
            call.early_refusal = _invalid("x-correlation-id", "is not a UUID")
            given = ""
        call.correlation_id = given or str(uuid.uuid4())
        if not call.traceparent:
            # A broken trace header is not worth a refusal: W3C says to go on without it.
            given = metadata.get("traceparent", "")
            call.traceparent = given if TRACEPARENT.fullmatch(given) else ""
        call.initial_metadata.append(("x-correlation-id", call.correlation_id))
        bind(correlation_id=call.correlation_id, method=path)
        return proceed(call)

    return handle


def _invalid(key: str, fault: str) -> Failure:
    return Failure(Reason.METADATA_INVALID, f"The metadata value {key} {fault}.", {"key": key})
