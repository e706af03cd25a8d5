"""Is the node's own job queue, with a kind of the benchmark's own beside its kinds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import cast
from unittest.mock import patch

import workers.main
from benchmarks.queues.marks import Marks
from core.bootstrap import open_node
from core.config import Settings, load_settings
from core.context import Context
from core.jobs.kind import Done, JobKind, JobRun
from core.jobs.spec import JobSpec
from core.jobs.submit_batch import BatchOrder
from core.node.node import Node
from core.platform.logging import configure_logging
from core.tenants.credential import principal

TENANT = "acme"
NEVER = float("inf")
JOBS_PER_BATCH = 500
marks = Marks()


def job(run: JobRun) -> Done:  # noqa: ARG001 - a handler is given its run.
    """Leaves its mark."""
    marks.leave()
    return Done({})


# Callers may submit a kind whose payload is checked.
JOB = JobKind("bench.job", job, check_payload=lambda _payload: ())


@contextmanager
def open_node_with_job(settings: Settings) -> Iterator[Node]:
    """Does what `open_node` does, with one kind more."""
    with open_node(settings) as node:
        # The dictionary that submitters and workers read.
        cast("dict[str, JobKind]", node.kinds)[JOB.name] = JOB
        yield node


def boot() -> None:
    """Boots a worker of the node."""
    with patch("workers.main.open_node", open_node_with_job):
        workers.main.boot()


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
        """Submits batches, each in one statement."""
        for first in range(0, jobs, JOBS_PER_BATCH):
            specs = [JobSpec(JOB.name, {}) for _ in range(min(JOBS_PER_BATCH, jobs - first))]
            self._node.jobs.submit_batch(self._context, BatchOrder(specs))

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
    return HowdahQueue(ExitStack().enter_context(open_node_with_job(settings)))
