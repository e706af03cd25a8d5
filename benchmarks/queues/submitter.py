"""Is the one process that submits: it drives a queue whose workers run, and prints what it saw."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

from benchmarks.queues.marks import Marks
from benchmarks.queues.queue import Queue

WARM_UP_JOBS = 300
# As many as a server process has for its calls.
THREADS = 8
# For workers to start in, and for any burst to be done in.
PATIENCE_SECONDS = 120.0
# Between two jobs on an idle node: longer than any of them takes, and never in step with a poll.
IDLE_SECONDS = (0.03, 0.08)


class Submitter:
    """Knows how many jobs it has submitted, and so when the last of them has run."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._marks = Marks()
        self._submitted = 0

    def warm_up(self) -> None:
        """Waits for the workers, and has every connection opened and every path taken."""
        self._queue.submit()
        self._await(1)
        self.burst(WARM_UP_JOBS, self._one_by_one)

    def bursts(self, jobs: int) -> dict[str, float]:
        """Submits many jobs one by one, by several threads, and in the queue's way for many."""
        found = {}
        for suffix, submit in (
            ("_one_by_one", self._one_by_one),
            ("_concurrently", self._by_threads),
            ("_many", self._queue.submit_many),
        ):
            enqueued, ended = self.burst(jobs, submit)
            found[f"enqueue{suffix}_per_second"] = jobs / enqueued
            found[f"jobs{suffix}_per_second"] = jobs / ended
        return found

    def burst(self, jobs: int, submit: Callable[[int], None]) -> tuple[float, float]:
        """Returns the seconds until all are submitted, and until all have ended."""
        begun = time.monotonic()
        submit(jobs)
        enqueued = time.monotonic() - begun
        self._await(jobs)
        return enqueued, time.monotonic() - begun

    def idle(self, samples: int) -> dict[str, list[float]]:
        """Submits jobs one at a time; returns the milliseconds until each has started."""
        found: dict[str, list[float]] = {"idle_ms": [], "idle_after_commit_ms": []}
        for _ in range(samples):
            time.sleep(random.uniform(*IDLE_SECONDS))
            begun = time.monotonic()
            accepted = self._queue.submit()
            started = self._await(1)
            found["idle_ms"].append((started - begun) * 1000)
            found["idle_after_commit_ms"].append((started - accepted) * 1000)
        return found

    def _one_by_one(self, jobs: int) -> None:
        for _ in range(jobs):
            self._queue.submit()

    def _by_threads(self, jobs: int) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            shares = [len(range(first, jobs, THREADS)) for first in range(THREADS)]
            list(pool.map(self._one_by_one, shares))

    def _await(self, jobs: int) -> float:
        self._submitted += jobs
        ran_at = self._marks.wait_for(self._submitted, PATIENCE_SECONDS)
        while not self._queue.settled():
            time.sleep(0.001)
        return ran_at


def main() -> None:
    """Drives the queue named on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--samples", type=int, required=True)
    arguments = parser.parse_args()
    submitter = Submitter(import_module(f"benchmarks.queues.on_{arguments.name}").connect())
    submitter.warm_up()
    seen: dict[str, Any] = {
        **submitter.bursts(arguments.jobs),
        **submitter.idle(arguments.samples),
    }
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    main()
