"""Gives every call its correlation id, and sends it back with the first thing the caller gets."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable

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
        pairs = call.transport.invocation_metadata()
        # Only keys that end in -bin hold bytes, and we read none of those.
        metadata: dict[str, str] = dict(pairs)  # type: ignore[arg-type]
        if len(metadata) != len(pairs) and (key := _sent_twice(pairs)):
            call.early_refusal = _invalid(key, "is sent twice")
        call.metadata = metadata
        given = metadata.get("x-correlation-id", "")
        if given and not UUID.fullmatch(given):
            call.early_refusal = _invalid("x-correlation-id", "is not a UUID")
            given = ""
        call.correlation_id = given or str(uuid.uuid4())
        traceparent = metadata.get("traceparent", "")
        # A broken trace header is not worth a refusal: W3C says to go on without it.
        if traceparent and TRACEPARENT.fullmatch(traceparent):
            call.traceparent = traceparent
        call.initial_metadata.append(("x-correlation-id", call.correlation_id))
        bind(correlation_id=call.correlation_id, method=path)
        return proceed(call)

    return handle


def _sent_twice(pairs: Iterable[tuple[str, object]]) -> str:
    """Returns the first of the keys we read that is there twice, or an empty string."""
    seen: set[str] = set()
    for key, _ in pairs:
        if key in SINGLE and key in seen:
            return key
        seen.add(key)
    return ""


def _invalid(key: str, fault: str) -> Failure:
    return Failure(Reason.METADATA_INVALID, f"The metadata value {key} {fault}.", {"key": key})
