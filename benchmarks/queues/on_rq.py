"""Is RQ, and a worker of its own that imports the jobs before it forks, as its guide advises."""

from __future__ import annotations

import argparse
import os
import time

import redis
import rq
from rq.registry import StartedJobRegistry

from benchmarks.queues.marks import Marks
from benchmarks.queues.queue import REDIS_VARIABLE

marks = Marks()
client = redis.Redis.from_url(os.environ[REDIS_VARIABLE])
queue = rq.Queue(connection=client)
started = StartedJobRegistry(queue=queue)


def job() -> None:
    """Leaves its mark."""
    marks.leave()


class RqQueue:
    """Enqueues by name, since the worker runs this file under another."""

    name = "benchmarks.queues.on_rq.job"

    def submit(self) -> float:
        """Enqueues a job."""
        queue.enqueue(self.name)
        return time.monotonic()

    def submit_many(self, jobs: int) -> None:
        """Enqueues all in one pipeline."""
        queue.enqueue_many([rq.Queue.prepare_data(self.name) for _ in range(jobs)])

    def settled(self) -> bool:
        """Looks for jobs that wait or run."""
        return queue.count == 0 and started.count == 0


def connect() -> RqQueue:
    """Returns the queue."""
    return RqQueue()


def main() -> None:
    """Works until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--simple", action="store_true", help="run jobs without a fork each")
    worker = rq.SimpleWorker if parser.parse_args().simple else rq.Worker
    worker([queue], connection=client).work(logging_level="WARNING")


if __name__ == "__main__":
    main()
