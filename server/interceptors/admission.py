"""Turns calls away while the node drains, or has as many as it can take."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

from core.failures import Failure, RefusedError
from core.reasons import Reason
from server.call import Answer, Call, Handler
from server.method import RpcMethod

OVERLOADED = Failure(
    Reason.NODE_OVERLOADED,
    "The node has as many calls as it can take.",
    {"subject": "node"},
    retry_after_ms=200,
)
DRAINING = Failure(Reason.NODE_DRAINING, "The node is shutting down.", retry_after_ms=300)


class Gate:
    """Knows whether the node takes calls. Closed once, when the node begins to drain."""

    def __init__(self) -> None:
        self._draining = threading.Event()

    def close(self) -> None:
        """Has streams end, so that their callers go on at another node."""
        self._draining.set()

    @property
    def draining(self) -> bool:
        """Tells whether the node is on its way out."""
        return self._draining.is_set()


class Admission:
    """Limits the streams of a tenant; unary calls are limited by the length of their queue."""

    def __init__(self, gate: Gate, max_streams_per_tenant: int) -> None:
        self._gate = gate
        self._most = max_streams_per_tenant
        self._open: Counter[str] = Counter()
        self._counting = threading.Lock()

    def __call__(self, method: RpcMethod, proceed: Handler) -> Handler:
        """Wraps a streaming method; a unary one is left as it is."""
        if not method.streams:
            return proceed

        def handle(call: Call) -> Answer:
            if self._gate.draining:
                raise RefusedError(DRAINING)
            # Not proven yet, but whoever floods another tenant's streams is refused right below.
            tenant = call.metadata.get("x-tenant-id", "")
            with self._counting:
                if self._open[tenant] >= self._most:
                    raise RefusedError(OVERLOADED)
                self._open[tenant] += 1
            try:
                answer = proceed(call)
            except BaseException:
                self._leave(tenant)
                raise
            return self._stream(tenant, answer)

        return handle

    def _stream(self, tenant: str, answer: Any) -> Iterator[bytes]:
        try:
            for message in answer:
                yield message
                if self._gate.draining:
                    raise RefusedError(DRAINING)
        finally:
            self._leave(tenant)

    def _leave(self, tenant: str) -> None:
        with self._counting:
            self._open[tenant] -= 1
            if not self._open[tenant]:
                del self._open[tenant]
