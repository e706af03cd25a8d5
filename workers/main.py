"""Boots a worker process: `dramatiq workers.main:boot`."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

import dramatiq
import structlog

from core.bootstrap import open_node
from core.config import PROCESS_INDEX, ConfigError, load_settings
from core.platform.logging import configure_logging
from core.platform.telemetry import new_registry
from workers import isolated
from workers.broker import build_broker


def boot() -> None:
    """Opens the node and hands Dramatiq its broker; Dramatiq calls it in every worker process.

    Neither Postgres nor Redis need be there: the worker starts without them and waits.
    """
    try:
        settings = load_settings()
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    writer = configure_logging(settings, f"worker-{os.environ.get(PROCESS_INDEX, '0')}")

    def leave() -> None:
        writer.flush()
        # Threads that do not end cannot be ended; their jobs are given back already.
        os._exit(0)

    opened = ExitStack()
    node = opened.enter_context(open_node(settings))
    dramatiq.set_broker(
        build_broker(
            settings,
            database=node.database,
            system=node.system,
            client=node.redis,
            signals=node.jobs.signals,
            kinds=node.kinds,
            isolated=isolated.main,
            registry=new_registry(),
            close=opened.close,
            leave=leave,
        )
    )
    structlog.get_logger().info("worker_started", pid=os.getpid(), queues=settings.worker_queues)
