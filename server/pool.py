# ruff: noqa: SLF001 - see the docstring: this is the one place that knows grpcio's private names.
"""Runs calls in threads, each handed over once: when its message is there.

grpcio hands a call to its pool first and lets the pool thread wait for the message, and sends
initial metadata apart from the answer; both cost changes of thread, half of a small call
(docs/decisions/0003). This pool asks for the message on the serving thread, queues the call when
it has arrived, and sends metadata, answer and status together. That needs names grpcio keeps
private: where they are not as known, the pool takes calls the ordinary way.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
import structlog
from grpc import _server as grpc_server
from grpc._cython import cygrpc  # type: ignore[attr-defined]

NO_FLAGS = 0
PRIVATE_NAMES = (
    "_unary_response_in_pool",
    "_receive_message",
    "_RECEIVE_MESSAGE_TOKEN",
    "_is_rpc_state_active",
    "_abort",
    "_call_behavior",
    "_completion_code",
    "_details",
    "_get_initial_metadata",
    "_send_status_from_server",
    "_CANCELLED",
    "_SEND_STATUS_FROM_SERVER_TOKEN",
)
# grpcio's releases whose private names were read and tested; tests/rpc says when to look again.
KNOWN_GRPCIO = ("1.85.",)


class Work:
    """Is one call in the queue; grpcio asks only to be told when it is done."""

    __slots__ = ("_done", "_when_done", "arguments", "run")

    def __init__(self, run: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self.run = run
        self.arguments = arguments
        self._done = False
        self._when_done: Callable[[Any], object] | None = None

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        """Calls back when the work is done, or now where it is."""
        self._when_done = callback
        if self._done:
            self._tell()

    def finish(self) -> None:
        """Says that the work is done."""
        self._done = True
        self._tell()

    def _tell(self) -> None:
        callback, self._when_done = self._when_done, None
        if callback is not None:
            callback(self)


def answer_at_once(
    event: Any, state: Any, behaviour: Callable[..., Any], take: Callable[[], Any], parse: Any
) -> None:
    """Does what grpcio's own function does in the pool thread, with one batch for all it sends."""
    metadata: list[tuple[str, str]] = []

    def deferring(request: Any, context: grpc.ServicerContext) -> Any:
        send_now = context.send_initial_metadata
        context.send_initial_metadata = metadata.extend  # type: ignore[method-assign,assignment]
        try:
            return behaviour(request, context)
        except BaseException:
            # A refusal is sent by grpcio, which knows nothing of what was put off.
            if metadata:
                send_now(tuple(metadata))
            raise

    cygrpc.install_context_from_request_call_event(event)
    try:
        request = take()
        if request is None:
            return
        answer: Any
        answer, proceed = grpc_server._call_behavior(event, state, deferring, request, parse)
        if proceed:
            _send(event, state, answer, tuple(metadata))
    finally:
        cygrpc.uninstall_context()


def _send(event: Any, state: Any, answer: bytes, metadata: tuple[tuple[str, str], ...]) -> None:
    with state.condition:
        if state.client is grpc_server._CANCELLED:
            return
        event.call.start_server_batch(
            (
                cygrpc.SendInitialMetadataOperation(
                    grpc_server._get_initial_metadata(state, metadata),
                    NO_FLAGS,
                ),
                cygrpc.SendMessageOperation(answer, NO_FLAGS),
                cygrpc.SendStatusFromServerOperation(
                    state.trailing_metadata,
                    grpc_server._completion_code(state),
                    grpc_server._details(state),
                    NO_FLAGS,
                ),
            ),
            grpc_server._send_status_from_server(
                state,
                grpc_server._SEND_STATUS_FROM_SERVER_TOKEN,
            ),
        )
        state.statused = True
        state.due.add(grpc_server._SEND_STATUS_FROM_SERVER_TOKEN)


class CallPool(futures.ThreadPoolExecutor):
    """Is the executor of the server's unary calls."""

    def __init__(self, threads: int) -> None:
        super().__init__(max_workers=1)  # its own thread is only started where submit is ours
        self._calls: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self.receives_first = grpc.__version__.startswith(KNOWN_GRPCIO) and all(
            hasattr(grpc_server, name) for name in PRIVATE_NAMES
        )
        self._servers = [
            threading.Thread(target=self._serve, name=f"call-{index}", daemon=True)
            for index in range(threads)
        ]
        for thread in self._servers:
            thread.start()

    def waiting(self) -> int:
        """Returns the number of calls that wait for a thread."""
        return self._calls.qsize()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Takes work from grpcio's serving thread: `fn` is `Context.run`."""
        assert not kwargs
        if self.receives_first and args[0] is grpc_server._unary_response_in_pool:
            return self._receive_then_queue(fn, args)
        return self._queue(fn, args)

    def _queue(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Work:
        work = Work(fn, args)
        self._calls.put(work)
        return work

    def _receive_then_queue(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Work:
        _target, event, state, behaviour, _thunk, deserializer, serializer = args
        if serializer is not None:  # ours give bytes; health's and reflection's do not
            return self._queue(fn, args)
        receive = grpc_server._receive_message(state, event.call, deserializer)

        def take() -> Any:
            """Gives the message that has arrived to grpcio's own function in the pool thread."""
            with state.condition:
                request, state.request = state.request, None
                if request is None and grpc_server._is_rpc_state_active(state):
                    grpc_server._abort(
                        state,
                        event.call,
                        cygrpc.StatusCode.unimplemented,
                        b"The method takes exactly one request message.",
                    )
                return request

        work = Work(fn, (answer_at_once, event, state, behaviour, take, deserializer))

        def received(batch: Any) -> Any:
            outcome = receive(batch)
            self._calls.put(work)
            return outcome

        # grpcio holds state.condition around submit.
        event.call.start_server_batch((cygrpc.ReceiveMessageOperation(NO_FLAGS),), received)
        state.due.add(grpc_server._RECEIVE_MESSAGE_TOKEN)
        return work

    def _serve(self) -> None:
        while True:
            work = self._calls.get()
            if work is None:
                return
            try:
                work.run(*work.arguments)
            except Exception:  # noqa: BLE001 - whatever it was, the thread is for the calls to come.
                structlog.get_logger().exception("call_broke_its_thread")
            finally:
                work.finish()
            # A call must not live on while the thread waits for the next.
            del work

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002
        """Ends the threads once the queued calls are done."""
        for _ in self._servers:
            self._calls.put(None)
        if wait:
            for thread in self._servers:
                thread.join()
        super().shutdown(wait=wait, cancel_futures=cancel_futures)
