"""Measures the node's full chain on a read method against a bare grpcio server and FastAPI.

One process each on core 0, the generator on core 1; only the server that is driven has work. Every
round drives each of them once, in another order, and a ratio is taken within a round. Where two
processes have both cores, the generator shares them.

A drive that others disturbed is repeated at once; the least disturbed of the tries counts, chosen
by what others used of the processors and not by what was found.
"""

from __future__ import annotations

import random
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import generator
from benchmarks.contestants import Contestant, contestants, uvicorn_stack
from benchmarks.generator import Load
from benchmarks.neighbours import busy_seconds, wait_for_quiet
from benchmarks.node import ground
from benchmarks.results import Found, Spread, spread

CONNECTIONS = 32
WARMUP_SECONDS = 0.5
# Above this, the generator and not the server would be measured.
GENERATOR_LIMIT = 0.95
# What others may use of the machine during a drive.
OTHERS_LIMIT_CORES = 0.2
TRIES = 5
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Drive:
    """Is what one server did in one round."""

    load: Load
    server_cpu_seconds: float
    others_cores: float

    @property
    def rate(self) -> float:
        """Returns calls per second."""
        return self.load.calls_per_second


Round = dict[str, Drive]


def measure(*, rounds: int, seconds: float) -> Found:
    """Runs the rounds; fails where a call failed or the generator was the limit."""
    generator.build()
    with (
        tempfile.TemporaryDirectory(prefix="howdah-bench-") as directory,
        ground(Path(directory)) as on,
        contestants(on) as all_of_them,
    ):
        seen = [_round(all_of_them, number, seconds) for number in range(rounds)]
    used = max(one["bare"].load.cores_used for one in seen)
    if used > GENERATOR_LIMIT:
        raise RuntimeError(f"the load generator used {used:.2f} of its core: it was the limit")
    return Found(_ratios(seen), _figures(seen, seconds))


def _round(all_of_them: list[Contestant], number: int, seconds: float) -> Round:
    order = random.sample(all_of_them, len(all_of_them))
    driven = {contestant.name: _drive_undisturbed(contestant, seconds) for contestant in order}
    found = {contestant.name: driven[contestant.name] for contestant in all_of_them}
    rates = ", ".join(f"{one.name} {found[one.name].rate:.0f}/s" for one in all_of_them)
    others = max(drive.others_cores for drive in found.values())
    print(f"rpc: round {number + 1}: {rates}; others up to {others:.2f} cores", flush=True)
    return found


def _drive_undisturbed(contestant: Contestant, seconds: float) -> Drive:
    tries: list[Drive] = []
    while len(tries) < TRIES:
        wait_for_quiet(PATIENCE_SECONDS)
        tries.append(_drive(contestant, seconds))
        if tries[-1].others_cores < OTHERS_LIMIT_CORES:
            break
    return min(tries, key=lambda drive: drive.others_cores)


def _drive(contestant: Contestant, seconds: float) -> Drive:
    started, busy = time.monotonic(), busy_seconds()
    server, generated = contestant.cpu_seconds(), _generator_cpu_seconds()
    load = generator.drive(
        contestant.target,
        cores=set(contestant.generator_cores),
        connections=CONNECTIONS,
        warmup=WARMUP_SECONDS,
        seconds=seconds,
    )
    elapsed = time.monotonic() - started
    used = contestant.cpu_seconds() - server
    others = busy_seconds() - busy - used - (_generator_cpu_seconds() - generated)
    # The warm-up is in what the server used: scaled to the time that was measured.
    return Drive(load, used * load.seconds / elapsed, max(0.0, others / elapsed))


def _generator_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _drives(seen: list[Round]) -> list[Drive]:
    return [drive for one in seen for drive in one.values()]


def _ratios(seen: list[Round]) -> dict[str, Spread]:
    def rates(one: str, other: str) -> Spread:
        return spread([found[one].rate / found[other].rate for found in seen])

    return {
        "chain_over_bare": rates("chain", "bare"),
        "chain_untraced_over_bare": rates("chain_untraced", "bare"),
        "chain_over_bare_without_metadata": rates("chain", "bare_without_metadata"),
        "chain_over_fastapi": rates("chain", "fastapi"),
        "p99_over_fastapi": spread(
            [found["chain"].load.p99_ms / found["fastapi"].load.p99_ms for found in seen]
        ),
        "two_processes_over_one": rates("chain_two", "chain"),
        "bare_two_processes_over_one": rates("bare_two", "bare"),
    }


def _figures(seen: list[Round], seconds: float) -> dict[str, Any]:
    return {
        "rounds": len(seen),
        "others_cores_used": spread([drive.others_cores for drive in _drives(seen)]),
        "seconds_per_drive": seconds,
        "connections": CONNECTIONS,
        "uvicorn": uvicorn_stack(),
        "servers": {name: _figures_of([found[name] for found in seen]) for name in seen[0]},
    }


def _figures_of(drives: list[Drive]) -> dict[str, Spread]:
    return {
        "calls_per_second": spread([drive.rate for drive in drives]),
        "p50_ms": spread([drive.load.p50_ms for drive in drives]),
        "p99_ms": spread([drive.load.p99_ms for drive in drives]),
        "server_cpu_us_per_call": spread(
            [drive.server_cpu_seconds / drive.load.calls * 1e6 for drive in drives]
        ),
        "generator_cores_used": spread([drive.load.cores_used for drive in drives]),
    }
