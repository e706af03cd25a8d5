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
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))


# A coroutine, which its worker runs without a thread for each.
@app.task(name="job")
async def job() -> None:
    """Leaves its mark."""
    marks.leave()


class ProcrastinateQueue:
    """Defers with the synchronous connector, as a program without a loop does."""

    def __init__(self) -> None:
        sync = app.with_connector(procrastinate.SyncPsycopgConnector(conninfo=url))
        sync.open()
        self._job = sync.configure_task("job")
        self._connection = psycopg.connect(url, autocommit=True)

    def submit(self) -> float:
        """Defers a job: one statement, which is its own transaction."""
        self._job.defer()
        return time.monotonic()

    def submit_many(self, jobs: int) -> None:
        """Defers all in one statement."""
        self._job.batch_defer(*({} for _ in range(jobs)))

    def settled(self) -> bool:
        """Looks for jobs that wait or run."""
        row = self._connection.execute(
            "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing'))"
        ).fetchone()
        return row == (False,)


def connect() -> ProcrastinateQueue:
    """Returns the queue."""
    return ProcrastinateQueue()
