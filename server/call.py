"""Carries what is known of one call through the chain of interceptors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import Message

from core.context import Context, Idempotency, Principal
from core.failures import Failure
from core.tenants.signing import SignedCall
from server.method import RpcMethod


class Call:
    """Is one call on its way in and out; each interceptor adds what it finds out."""

    __slots__ = (
        "answer",
        "answered",
        "body",
        "correlation_id",
        "deadline",
        "early_refusal",
        "encode",
        "failure",
        "idempotency",
        "initial_metadata",
        "metadata",
        "method",
        "principal",
        "request",
        "signed",
        "tenant_id",
        "traceparent",
        "transport",
    )

    def __init__(self, method: RpcMethod, body: bytes, transport: grpc.ServicerContext) -> None:
        self.method = method
        self.body = body
        self.transport = transport
        self.metadata: Mapping[str, str] = {}
        self.initial_metadata: list[tuple[str, str]] = []
        self.correlation_id = ""
        self.traceparent = ""
        self.tenant_id = ""
        self.deadline = 0.0
        self.principal: Principal | None = None
        self.request: Message | None = None
        self.signed: SignedCall | None = None
        self.idempotency: Idempotency | None = None
        # Turns the use case's value into bytes; set by the servicer's handler.
        self.encode: Callable[[Any], bytes] | None = None
        self.answer: bytes | None = None
        # Says that the use case came to its end; a stream may be cancelled before.
        self.answered = False
        self.failure: Failure | None = None
        # Found before the error boundary was reached, and raised inside it.
        self.early_refusal: Failure | None = None

    def context(self) -> Context:
        """Returns what the use case is told of the call."""
        assert self.principal is not None
        return Context(
            self.principal,
            self.tenant_id,
            self.correlation_id,
            self.deadline,
            self.traceparent,
            self.idempotency,
            self.transport.is_active,
        )


# A handler answers with bytes, or for a streaming method with an iterator of bytes.
Answer: TypeAlias = bytes | Iterator[bytes]
Handler: TypeAlias = Callable[[Call], Answer]
Interceptor: TypeAlias = Callable[[RpcMethod, Handler], Handler]
