"""Is the node's own job queue, with a kind of the benchmark's own beside its kinds."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from typing import cast

import dramatiq

from benchmarks.queues.marks import Marks
from core.bootstrap import open_node
from core.config import load_settings
from core.context import Context
from core.jobs.kind import Done, JobKind, JobRun
from core.node.node import Node
from core.platform.logging import configure_logging
from core.platform.telemetry import new_registry
from core.tenants.credential import principal
from workers.broker import build_broker

TENANT = "acme"
NEVER = float("inf")
# How many jobs share a transaction where many are submitted at once.
JOBS_PER_TRANSACTION = 500
marks = Marks()


def job(run: JobRun) -> Done:  # noqa: ARG001 - a handler is given its run.
    """Leaves its mark."""
    marks.leave()
    return Done({})


JOB = JobKind("bench.job", job)


def boot() -> None:
    """Does what `workers.main:boot` does, with one kind more."""
    settings = load_settings()
    writer = configure_logging(settings, "worker")
    opened = ExitStack()
    node = opened.enter_context(open_node(settings))

    def leave() -> None:
        writer.flush()
        os._exit(0)

    dramatiq.set_broker(
        build_broker(
            settings,
            database=node.database,
            system=node.system,
            client=node.redis,
            signals=node.jobs.signals,
            kinds={**node.kinds, JOB.name: JOB},
            registry=new_registry(),
            close=opened.close,
            leave=leave,
        )
    )


class HowdahQueue:
    """Submits as a use case does: the job's row is written in the caller's own transaction."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._context = Context(principal("bench", [TENANT], ["editor"]), TENANT, "", NEVER)

    def submit(self) -> float:
        """Submits one job in a transaction of its own, and hands it to a worker at once."""
        accepted = 0.0

        def note() -> None:
            nonlocal accepted
            accepted = time.monotonic()

        with self._node.database.begin(self._context) as unit:
            unit.after_commit(note)
            unit.commit(self._node.jobs.submit(unit, kind=JOB.name, payload={}))
        return accepted

    def submit_many(self, jobs: int) -> None:
        """Submits jobs in few transactions."""
        for first in range(0, jobs, JOBS_PER_TRANSACTION):
            with self._node.database.begin(self._context) as unit:
                for _ in range(min(JOBS_PER_TRANSACTION, jobs - first)):
                    self._node.jobs.submit(unit, kind=JOB.name, payload={})
                unit.commit(None)

    def settled(self) -> bool:
        """Looks for jobs that wait or run."""
        with self._node.system.begin() as transaction:
            rows = transaction.all(
                "SELECT EXISTS (SELECT FROM jobs WHERE state = 'queued')"
                " OR EXISTS (SELECT FROM jobs WHERE state = 'dispatched')"
                " OR EXISTS (SELECT FROM jobs WHERE state = 'running') AS busy"
            )
        return not rows[0]["busy"]


def connect() -> HowdahQueue:
    """Returns the queue of a node that lives as long as this process."""
    settings = load_settings()
    configure_logging(settings, "submitter")
    node = ExitStack().enter_context(open_node(settings))
    # The dictionary that submission reads.
    cast("dict[str, JobKind]", node.kinds)[JOB.name] = JOB
    return HowdahQueue(node)
