"""Binds tenant and job to every log line of a message."""

from __future__ import annotations

from typing import Any

import structlog
from dramatiq import Broker, MessageProxy, Middleware


class LogContext(Middleware):
    """Binds before a message is processed, and leaves nothing behind for the next."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:  # noqa: ARG002
        """Binds what the message names."""
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            tenant_id=message.kwargs["tenant_id"],
            job_id=message.kwargs["job_id"],
            queue=message.queue_name,
        )

    def after_process_message(
        self,
        broker: Broker,  # noqa: ARG002
        message: MessageProxy,  # noqa: ARG002
        *,
        result: Any = None,  # noqa: ARG002
        exception: BaseException | None = None,  # noqa: ARG002
    ) -> None:
        """Forgets it."""
        structlog.contextvars.clear_contextvars()

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:  # noqa: ARG002
        """Forgets it."""
        structlog.contextvars.clear_contextvars()


def require_bound(tenant_id: str, job_id: str) -> None:
    """Raises where a message runs without its binding.

    Dramatiq logs an exception in `before_process_message` and runs the actor all the same.
    """
    bound = structlog.contextvars.get_contextvars()
    if (bound.get("tenant_id"), bound.get("job_id")) != (tenant_id, job_id):
        raise RuntimeError("a message was about to run without its tenant bound to the log")
