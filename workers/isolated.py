"""Is the process of one isolated attempt, forked from a server that has this module loaded."""

from __future__ import annotations

import os
from multiprocessing.connection import Connection
from typing import Any

# What an engine loads when it is made; here it is loaded once, and not in each process anew.
import sqlalchemy.dialects.postgresql.psycopg  # noqa: F401

from core.bootstrap import open_node
from core.config import PROCESS_INDEX, load_settings
from core.jobs.isolated import run_isolated, stack_kept
from core.jobs.order import Order
from core.platform.logging import configure_logging


def main(worker: Connection[Any, Any], order: Order) -> None:
    """Opens the node, which connects to nothing by itself, and runs the attempt."""
    settings = load_settings()
    writer = configure_logging(settings, f"worker-{os.environ.get(PROCESS_INDEX, '0')}-job")
    try:
        with stack_kept(order), open_node(settings) as node:
            run_isolated(
                worker, order, database=node.database, system=node.system, kinds=node.kinds
            )
    finally:
        # The exit of a forked process runs no other handlers.
        writer.close()
