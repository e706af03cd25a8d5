"""Limits the streams and waits a tenant has open, and ends streams while the node drains."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

from core.failures import Failure, RefusedError
from core.reasons import Reason
from server.call import Answer, Call, Handler
from server.gate import DRAINING, Gate
from server.method import RpcMethod

GONE = Failure(Reason.DEADLINE_EXCEEDED, "The caller has gone.")


class StreamLimit:
    """Counts the open streams and waits of each tenant in this process."""

    def __init__(self, gate: Gate, max_streams_per_tenant: int) -> None:
        self._gate = gate
        self._most = max_streams_per_tenant
        self._open: Counter[str] = Counter()
        self._counting = threading.Lock()

    def __call__(self, method: RpcMethod, proceed: Handler) -> Handler:
        """Wraps a method that may hold its thread for long; any other is left as it is."""
        if not method.waits:
            return proceed

        def handle(call: Call) -> Answer:
            tenant = call.tenant_id
            self._enter(tenant)
            # However the call ends, also before its first message is taken.
            if not call.transport.add_callback(lambda: self._leave(tenant)):
                self._leave(tenant)
                raise RefusedError(GONE)
            answer = proceed(call)
            return self._until_draining(answer) if method.streams else answer

        return handle

    def _until_draining(self, answer: Any) -> Iterator[bytes]:
        for message in answer:
            yield message
            if self._gate.draining:
                raise RefusedError(DRAINING)

    def _enter(self, tenant: str) -> None:
        with self._counting:
            if self._open[tenant] >= self._most:
                raise RefusedError(
                    Failure(
                        Reason.NODE_OVERLOADED,
                        f"The tenant has {self._most} streams open already.",
                        {"subject": tenant, "max_streams_per_tenant": str(self._most)},
                        retry_after_ms=1_000,
                    )
                )
            self._open[tenant] += 1

    def _leave(self, tenant: str) -> None:
        with self._counting:
            self._open[tenant] -= 1
            if not self._open[tenant]:
                del self._open[tenant]
