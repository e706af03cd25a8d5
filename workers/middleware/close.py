"""Closes what the worker stands on when it has stopped."""

from __future__ import annotations

from collections.abc import Callable

from dramatiq import Broker, Middleware, Worker


class Close(Middleware):
    """Comes first in the list, so that it is told last."""

    def __init__(self, *closes: Callable[[], None]) -> None:
        self._closes = closes

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        """Closes one after the other."""
        for close in self._closes:
            close()
