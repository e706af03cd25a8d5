"""Runs workers with harmful kinds, and a dispatcher, under the node's own supervision."""

from __future__ import annotations

import sys
from dataclasses import replace

from core.config import load_settings
from core.platform.logging import configure_logging
from server.programs import dispatcher_program, worker_programs
from server.running import run_node

BOOT, POISON = "workers.main:boot", "tests.poison_worker:boot"


def main() -> int:
    settings = load_settings()
    configure_logging(settings, "supervisor")
    workers = [
        replace(
            program,
            command=tuple(POISON if word == BOOT else word for word in program.command),
        )
        for program in worker_programs(settings)
    ]
    return run_node(settings, [*workers, dispatcher_program()], admin=None)


if __name__ == "__main__":
    sys.exit(main())
