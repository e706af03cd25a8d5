"""Is procrastinate, a job queue on Postgres alone, as its guide teaches."""

from __future__ import annotations

import os
import time

import procrastinate
import psycopg

from benchmarks.queues.marks import Marks
from benchmarks.queues.queue import POSTGRES_VARIABLE

marks = Marks()
url = os.environ[POSTGRES_VARIABLE]
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, max_size=8))


# A coroutine, which its worker runs without a thread for each.
@app.task
async def job() -> None:
    """Leaves its mark."""
    marks.leave()


class ProcrastinateQueue:
    """Defers synchronously, as a program without a loop does."""

    def __init__(self) -> None:
        app.open()
        self._connection = psycopg.connect(url, autocommit=True)

    def submit(self) -> float:
        """Defers a job: one statement, which is its own transaction."""
        job.defer()
        return time.monotonic()

    def submit_many(self, jobs: int) -> None:
        """Defers all in one statement."""
        job.batch_defer(*({} for _ in range(jobs)))

    def settled(self) -> bool:
        """Looks for jobs that wait or run."""
        row = self._connection.execute(
            "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing'))"
        ).fetchone()
        return row == (False,)


def connect() -> ProcrastinateQueue:
    """Returns the queue."""
    return ProcrastinateQueue()
