"""Turns service tables into grpcio's handlers: a chain of interceptors around a use case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty

from core.failures import Failure, RefusedError
from core.reasons import Reason
from core.result import Err
from howdah.policy.v1 import policy_pb2
from server.call import Answer, Call, Handler
from server.gate import DRAINING, OVERLOADED, Gate
from server.interceptors import Chain
from server.method import RpcMethod, rpc_method
from server.pool import CallPool
from server.service import Method, Service, Stream
from server.status import abort


class Router(grpc.GenericRpcHandler):
    """Finds the handler of a call by its path; full or draining, one that refuses.

    It runs on grpcio's serving thread, so it only looks things up. A refusal runs in a thread of
    its own: the queue it is about is not made longer by saying so.
    """

    def __init__(
        self,
        *,
        services: list[Service],
        chain: Chain,
        refusals: Chain,
        gate: Gate,
        pool: CallPool,
        streams: CallPool,
        max_waiting_calls: int,
        max_answer_bytes: int,
    ) -> None:
        self._gate = gate
        # The length of the queue that a method's calls stand in.
        self._waiting: dict[str, Callable[[], int]] = {}
        self._most = max_waiting_calls
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        self._overloaded: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        self._draining: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        aside = CallPool(1)
        for service in services:
            for descriptor in service.descriptor.methods:
                method = rpc_method(descriptor)
                answering = use_case_handler(service.methods[method.name], max_answer_bytes)
                handler = chain.compose(method, answering)
                executor = streams if method.waits else None
                self._waiting[method.path] = streams.waiting if method.waits else pool.waiting
                self._handlers[method.path] = grpc_handler(method, handler, executor)
                for table, failure in (
                    (self._overloaded, OVERLOADED),
                    (self._draining, DRAINING),
                ):
                    refuse = refusals.compose(method, refusing(failure))
                    table[method.path] = grpc_handler(method, refuse, aside)

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Returns the handler of the call's path, or None for a method nobody knows."""
        path = handler_call_details.method
        waiting = self._waiting.get(path)
        if waiting is None:
            return None
        if self._gate.draining:
            return self._draining[path]
        if waiting() >= self._most:
            return self._overloaded[path]
        return self._handlers[path]


class UnknownMethods(grpc.GenericRpcHandler):
    """Refuses every path that no other handler took; it has to be the last one."""

    def __init__(self, refusals: Chain) -> None:
        refuse = refusals.compose(UNKNOWN, refusing(METHOD_UNKNOWN))
        # One thread, and one name in the metrics: strangers choose the paths.
        self._handler = grpc_handler(UNKNOWN, refuse, CallPool(1))

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any]:
        """Returns the one handler."""
        del handler_call_details
        return self._handler


UNKNOWN = RpcMethod(
    service="unknown",
    name="unknown",
    path="/unknown",
    streams=False,
    waits=False,
    request=Empty,
    permission="",
    tenant_bound=False,
    mutates=False,
    cost=1,
    default_deadline_seconds=1.0,
    max_deadline_seconds=1.0,
    idempotency=policy_pb2.IDEMPOTENCY_NONE,
)
METHOD_UNKNOWN = Failure(Reason.METHOD_UNKNOWN, "The node has no such method.")


def grpc_handler(
    method: RpcMethod, handler: Handler, executor: ThreadPoolExecutor | None
) -> grpc.RpcMethodHandler[Any, Any]:
    """Returns the handler in grpcio's form. It takes and gives bytes: the chain parses them."""
    behaviour = _stream(method, handler) if method.streams else _unary(method, handler)
    if executor is not None:
        behaviour.experimental_thread_pool = executor  # type: ignore[attr-defined]
    if method.streams:
        return grpc.unary_stream_rpc_method_handler(behaviour)
    return grpc.unary_unary_rpc_method_handler(behaviour)


def _unary(method: RpcMethod, handler: Handler) -> Callable[[bytes, Any], Any]:
    def behaviour(body: bytes, transport: grpc.ServicerContext) -> Answer:
        call = Call(method, body, transport)
        answer = handler(call)
        transport.send_initial_metadata(tuple(call.initial_metadata))
        if call.failure is not None:
            abort(call, call.failure)
        return answer

    return behaviour


def _stream(method: RpcMethod, handler: Handler) -> Callable[[bytes, Any], Any]:
    def behaviour(body: bytes, transport: grpc.ServicerContext) -> Iterator[bytes]:
        call = Call(method, body, transport)
        answer = handler(call)
        transport.send_initial_metadata(tuple(call.initial_metadata))
        if call.failure is None:
            assert not isinstance(answer, bytes)
            yield from answer
        if call.failure is not None:
            abort(call, call.failure)

    return behaviour


def use_case_handler(entry: Method, max_answer_bytes: int) -> Handler:
    """Returns the innermost handler: decode, call, encode."""
    decode, use_case, encode = entry.decode, entry.call, entry.encode

    def to_bytes(value: Any) -> bytes:
        return encode(value).SerializeToString()

    def handle(call: Call) -> Answer:
        # The idempotency key keeps the answer in the use case's own transaction, encoded by this.
        call.encode = to_bytes
        result = use_case(call.context(), decode(call.request))
        if isinstance(result, Err):
            raise RefusedError(result.failure)
        answer = call.answer if call.answer is not None else to_bytes(result.value)
        if len(answer) > max_answer_bytes:
            raise RefusedError(too_large(len(answer), max_answer_bytes))
        return answer

    def handle_stream(call: Call) -> Answer:
        result = use_case(call.context(), decode(call.request))
        if isinstance(result, Err):
            raise RefusedError(result.failure)
        return (to_bytes(value) for value in result.value)

    return handle_stream if isinstance(entry, Stream) else handle


def too_large(size: int, most: int) -> Failure:
    """Says that a page has to be smaller; gRPC itself would only say that a message is too long."""
    return Failure(
        Reason.ANSWER_TOO_LARGE,
        f"The answer has {size} bytes, and a message may have {most}: ask for a smaller page.",
        {"size_bytes": str(size), "max_message_bytes": str(most)},
    )


def refusing(failure: Failure) -> Handler:
    """Returns a handler that refuses every call."""

    def handle(_call: Call) -> Answer:
        # A new one each time: an exception that is raised again drags its old traces along.
        raise RefusedError(failure)

    return handle
