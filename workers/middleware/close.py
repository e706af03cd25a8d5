"""Closes what the worker stands on when it has stopped."""

from __future__ import annotations

from collections.abc import Callable

from dramatiq import Broker, Middleware, Worker


class Close(Middleware):
    """Comes first in the list, so that it is told last."""

    def __init__(self, close: Callable[[], None]) -> None:
        self._close = close

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        """Closes it all."""
        self._close()
