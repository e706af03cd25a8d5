"""Measures no-op jobs and idle latency against Dramatiq, Celery, RQ and a queue on Postgres.

All stand on one Postgres and one Redis and have two worker processes; one process submits. In each
round every queue has one turn, in another order each time, with its workers started for it alone
and a fresh database. A job counts when it has run and has been acknowledged, in Howdah's case when
its row says that it has succeeded.

Jobs are submitted one by one, by eight threads, and in the queue's own way for many. The ratios
`over_<queue>` compare the best of the three with the best; the others one way with the same.

Howdah alone, for profiling, with nothing kept: `python -m benchmarks.jobs howdah --rounds 1`.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.neighbours import wait_for_quiet
from benchmarks.processes import clean_environment
from benchmarks.queues.contestants import (
    JOBS,
    PROCESSES,
    THREADS,
    Contestant,
    contestants,
    working,
)
from benchmarks.queues.ground import FINISHED_JOBS, Ground, ground
from benchmarks.queues.idle_node import idle_percentages
from benchmarks.results import ROOT, Found, Spread, spread

PATIENCE_SECONDS = 20.0
# Of the ways to submit: one by one, by eight threads, in the queue's way for many.
WAYS = ("_one_by_one", "_concurrently", "_many")
PEERS = ("dramatiq", "celery", "celery_threads", "rq", "postgres_queue")

Turn = dict[str, Any]
Round = dict[str, Turn]


def measure(*, rounds: int, seconds: float) -> Found:  # noqa: ARG001 - so many jobs take what they take.
    """Runs the rounds; fails where a job did not run."""
    with (
        tempfile.TemporaryDirectory(prefix="howdah-bench-") as directory,
        ground(Path(directory)) as on,
    ):
        every = contestants(on)
        seen = [_round(every, on, number) for number in range(rounds)]
    return Found(_ratios(seen), {**_figures(seen), **idle_percentages(rounds)})


def _round(every: Sequence[Contestant], on: Ground, number: int) -> Round:
    order = random.sample(every, len(every))
    found = {contestant.name: _turn(contestant, on) for contestant in order}
    for contestant in every:
        turn = found[contestant.name]
        print(
            f"jobs: round {number + 1}: {contestant.name}: "
            + ", ".join(
                f"{turn[f'jobs{way}_per_second']:.0f}/s"
                f" ({turn[f'enqueue{way}_per_second']:.0f}/s submitted{way.replace('_', ' ')})"
                for way in WAYS
            )
            + f", idle p50 {_percentile(turn, 50):.1f} ms, p99 {_percentile(turn, 99):.1f} ms",
            flush=True,
        )
    return {contestant.name: found[contestant.name] for contestant in every}


def _turn(contestant: Contestant, on: Ground) -> Turn:
    with working(contestant, on) as environment:
        wait_for_quiet(PATIENCE_SECONDS)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "benchmarks.queues.submitter", contestant.module),
                *("--jobs", str(contestant.jobs), "--samples", str(contestant.samples)),
            ],
            cwd=ROOT,
            env={**clean_environment(), **environment},
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{contestant.name}: {done.stderr.strip()}")
    turn: Turn = json.loads(done.stdout)
    return turn


def _percentile(turn: Turn, percent: int, key: str = "idle_ms") -> float:
    found: list[float] = statistics.quantiles(turn[key], n=100, method="inclusive")
    return found[percent - 1]


def _ratios(seen: list[Round]) -> dict[str, Spread]:
    def rates(one: str, other: str, *ways: str) -> Spread:
        return spread([_rate(found[one], ways) / _rate(found[other], ways) for found in seen])

    return {
        **{f"over_{peer}": rates("howdah", peer, *WAYS) for peer in PEERS},
        **{f"over_{peer}{way}": rates("howdah", peer, way) for way in WAYS for peer in PEERS},
        "with_1m_rows_over_empty": spread(
            [_seconds(found["howdah"]) / _seconds(found["howdah_1m_rows"]) for found in seen]
        ),
        "idle_p50_ms": spread([_percentile(found["howdah"], 50) for found in seen]),
        "idle_p99_ms": spread([_percentile(found["howdah"], 99) for found in seen]),
    }


def _seconds(turn: Turn) -> float:
    """Returns how long a job took in the mean of the ways; the fastest burst alone is too short."""
    return sum(1 / float(turn[f"jobs{way}_per_second"]) for way in WAYS)


def _rate(turn: Turn, ways: Sequence[str]) -> float:
    """Returns the jobs a second in that of the ways which got most through."""
    rate: float = max(turn[f"jobs{way}_per_second"] for way in ways)
    return rate


def _figures(seen: list[Round]) -> dict[str, Any]:
    return {
        "rounds": len(seen),
        "jobs_per_burst": JOBS,
        "worker_processes": PROCESSES,
        "worker_threads": THREADS,
        "finished_rows": FINISHED_JOBS,
        "queues": {name: _figures_of([found[name] for found in seen]) for name in seen[0]},
    }


def _figures_of(turns: list[Turn]) -> dict[str, Spread]:
    return {
        **{
            key: spread([turn[key] for turn in turns])
            for way in WAYS
            for key in (f"jobs{way}_per_second", f"enqueue{way}_per_second")
        },
        "idle_p50_ms": spread([_percentile(turn, 50) for turn in turns]),
        "idle_p99_ms": spread([_percentile(turn, 99) for turn in turns]),
        "idle_after_commit_p50_ms": spread(
            [_percentile(turn, 50, "idle_after_commit_ms") for turn in turns]
        ),
    }


def main() -> None:
    """Runs the named queues and prints what was seen, with nothing kept."""
    parser = argparse.ArgumentParser(prog="benchmarks.jobs")
    parser.add_argument("names", nargs="+")
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="howdah-bench-") as directory,
        ground(Path(directory)) as on,
    ):
        chosen = [one for one in contestants(on) if one.name in arguments.names]
        for number in range(arguments.rounds):
            _round(chosen, on, number)


if __name__ == "__main__":
    main()
