"""Runs calls in threads, each handed over once: when its message is there.

grpcio hands a call to its pool first and lets the pool thread wait for the message, which costs two
more changes of thread, nearly half of a small call (docs/decisions/0003). This pool asks for the
message on the serving thread and queues the call when it has arrived. That needs names grpcio keeps
private: where they are not as known, the pool takes calls the ordinary way.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
from grpc import _server as grpc_server
from grpc._cython import cygrpc  # type: ignore[attr-defined]

NO_FLAGS = 0
PRIVATE_NAMES = (
    "_unary_response_in_pool",
    "_receive_message",
    "_RECEIVE_MESSAGE_TOKEN",
    "_is_rpc_state_active",
    "_abort",
    "_CANCELLED",
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
        if self.receives_first and args[0] is grpc_server._unary_response_in_pool:  # noqa: SLF001
            return self._receive_then_queue(fn, args)
        work = Work(fn, args)
        self._calls.put(work)
        return work

    def _receive_then_queue(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Work:
        target, event, state, behaviour, _thunk, deserializer, serializer = args
        receive = grpc_server._receive_message(state, event.call, deserializer)  # noqa: SLF001

        def take() -> Any:
            """Gives the message that has arrived to grpcio's own function in the pool thread."""
            with state.condition:
                request, state.request = state.request, None
                if request is None and grpc_server._is_rpc_state_active(state):  # noqa: SLF001
                    grpc_server._abort(  # noqa: SLF001
                        state,
                        event.call,
                        cygrpc.StatusCode.unimplemented,
                        b"The method takes exactly one request message.",
                    )
                return request

        work = Work(fn, (target, event, state, behaviour, take, deserializer, serializer))

        def received(batch: Any) -> Any:
            outcome = receive(batch)
            self._calls.put(work)
            return outcome

        # grpcio holds state.condition around submit.
        event.call.start_server_batch((cygrpc.ReceiveMessageOperation(NO_FLAGS),), received)
        state.due.add(grpc_server._RECEIVE_MESSAGE_TOKEN)  # noqa: SLF001
        return work

    def _serve(self) -> None:
        while True:
            work = self._calls.get()
            if work is None:
                return
            try:
                work.run(*work.arguments)
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
