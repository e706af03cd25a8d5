"""Runs `howdah up`'s processes with one kind of job more, whose effect is one row.

`python -m tests.chaos.node` is the supervisor, `… serve` one of its gRPC processes, and
`tests.chaos.node:boot` what Dramatiq boots.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import server.process
import workers.main
from core.bootstrap import open_node
from core.config import Settings, load_settings
from core.failures import FieldViolation
from core.jobs.kind import Done, JobKind, JobRun
from core.node.node import Node
from core.platform.logging import configure_logging
from core.platform.unit_of_work import UnitOfWork
from server.ports import listen, reserve
from server.programs import dispatcher_program, server_programs, worker_programs
from server.running import run_node
from tests.chaos.journal import VARIABLE, Journal

LOOK_SECONDS = 0.02


@cache
def journal() -> Journal:
    return Journal(Path(os.environ[VARIABLE]))


def effect(run: JobRun) -> Done:
    """Works for a while, and writes its row in the transaction that ends the job."""
    number = int(run.payload["number"])
    journal().began(number)
    until = time.monotonic() + run.payload["seconds"]
    while time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        run.proceed()

    def write(unit: UnitOfWork) -> None:
        # Nothing here keeps a second row of the same number out.
        unit.execute(
            "INSERT INTO effects (number, job_id) VALUES (:number, CAST(:job_id AS uuid))",
            {"number": number, "job_id": run.job_id},
        )

    journal().ended(number)
    return Done({}, write=write)


def check(payload: Mapping[str, Any]) -> list[FieldViolation]:
    wrong = {"number", "seconds"} ^ payload.keys()
    return [FieldViolation(name, "must be there, and nothing else") for name in sorted(wrong)]


KIND = JobKind("chaos.effect", effect, check_payload=check)


@contextmanager
def open_node_with_effect(settings: Settings) -> Iterator[Node]:
    with open_node(settings) as node:
        # The dictionary that the doors read.
        cast("dict[str, JobKind]", node.kinds)[KIND.name] = KIND
        yield node


def boot() -> None:
    with patch("workers.main.open_node", open_node_with_effect):
        workers.main.boot()


def serve() -> int:
    with patch("server.process.open_node", open_node_with_effect):
        return server.process.main()


def supervise() -> int:
    settings = load_settings()
    configure_logging(settings, "supervisor")
    held, address = reserve(settings.grpc_address)
    admin, admin_address = listen(settings.admin_address)
    addresses = {"grpc_address": address, "admin_address": admin_address}
    settings = settings.model_copy(update=addresses)
    ours = {"server.process": "tests.chaos.node", "workers.main:boot": "tests.chaos.node:boot"}
    programs = [
        replace(program, command=tuple(ours.get(part, part) for part in program.command))
        for program in (
            *(replace(one, command=(*one.command, "serve")) for one in server_programs(settings)),
            *worker_programs(settings),
            dispatcher_program(),
        )
    ]
    with closing(held), closing(admin):
        return run_node(settings, programs, admin=admin)


if __name__ == "__main__":
    sys.exit(serve() if sys.argv[1:] == ["serve"] else supervise())
