"""Measures what a unary call costs a PHP process, against bare curl, a JSON POST and ext-grpc.

The PHP process has core 1, the servers core 0. Within a round every subject has one turn, in
another order each time, on a connection that stands; a ratio is taken within a round. The least
disturbed of the tries of a turn counts, chosen by what others used of the processors.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.contestants import GENERATOR_CORE, REQUEST, Contestant, called_from_php
from benchmarks.neighbours import busy_seconds, wait_for_quiet
from benchmarks.node import ground
from benchmarks.results import ROOT, Found, Spread, spread

SCRIPT = ROOT / "benchmarks" / "php" / "calls.php"
WARMUP_SECONDS = 0.5
# A turn is short: what disturbs for longer than that then falls on all subjects of a round alike.
TURNS_PER_DRIVE = 4
# What others may use of the machine during a turn.
OTHERS_LIMIT_CORES = 0.2
TRIES = 3
DEADLINES = 40
PATIENCE_SECONDS = 10.0

Turn = dict[str, float]
Round = dict[str, Turn]


class Php:
    """Is a running calls.php: one line asks for a turn, one line answers."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, line: dict[str, Any]) -> Any:
        """Sends one line and returns the answer; raises RuntimeError where PHP has ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps(line)}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"calls.php ended with {self.process.wait()}")
        return json.loads(answer)


def measure(*, rounds: int, seconds: float) -> Found:
    """Runs the rounds; fails where a call failed."""
    if shutil.which("php") is None:
        raise RuntimeError("this benchmark needs PHP with the extension curl")
    with (
        tempfile.TemporaryDirectory(prefix="howdah-bench-") as directory,
        ground(Path(directory)) as on,
        called_from_php(on) as servers,
        _php() as php,
    ):
        addresses = {server.name: server.target.address for server in servers}
        credential = {"key_id": on.credential.key_id, "secret": on.credential.secret}
        about = php.ask({**addresses, **credential, "text": REQUEST.message})
        for subject in about["subjects"]:
            php.ask({"subject": subject, "seconds": WARMUP_SECONDS})
        turn_seconds = seconds / TURNS_PER_DRIVE
        seen = [
            _round(php, servers, number, about["subjects"], turn_seconds)
            for number in range(rounds * TURNS_PER_DRIVE)
        ]
        wait_for_quiet(PATIENCE_SECONDS)
        late = spread(php.ask({"deadlines": DEADLINES}))
    figures = _figures(seen, about, turn_seconds)
    return Found(_ratios(seen), {**figures, "deadline_late_ms": late})


@contextmanager
def _php() -> Iterator[Php]:
    process = subprocess.Popen(
        ["php", "-d", "opcache.enable_cli=1", str(SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {GENERATOR_CORE}),  # noqa: PLW1509 - one thread here.
    )
    with process:
        try:
            yield Php(process)
        finally:
            process.terminate()


def _round(
    php: Php, servers: list[Contestant], number: int, subjects: list[str], seconds: float
) -> Round:
    order = random.sample(subjects, len(subjects))
    taken = {subject: _turn_undisturbed(php, servers, subject, seconds) for subject in order}
    found = {subject: taken[subject] for subject in subjects}
    costs = ", ".join(f"{subject} {turn['cpu_us']:.0f}" for subject, turn in found.items())
    print(f"php: round {number + 1}: CPU µs a call: {costs}", flush=True)
    return found


def _turn_undisturbed(php: Php, servers: list[Contestant], subject: str, seconds: float) -> Turn:
    tries: list[Turn] = []
    while len(tries) < TRIES:
        wait_for_quiet(PATIENCE_SECONDS)
        tries.append(_turn(php, servers, subject, seconds))
        if tries[-1]["others"] < OTHERS_LIMIT_CORES:
            break
    return min(tries, key=lambda turn: turn["others"])


def _turn(php: Php, servers: list[Contestant], subject: str, seconds: float) -> Turn:
    started, busy, served = time.monotonic(), busy_seconds(), _cpu_seconds(servers)
    turn = php.ask({"subject": subject, "seconds": seconds})
    served = _cpu_seconds(servers) - served
    called = turn["calls"] * turn["cpu_us"] / 1e6
    others = busy_seconds() - busy - served - called
    return {**turn, "others": max(0.0, others / (time.monotonic() - started))}


def _cpu_seconds(servers: list[Contestant]) -> float:
    return sum(server.cpu_seconds() for server in servers)


def _ratios(seen: list[Round]) -> dict[str, Spread]:
    def ratio(one: str, other: str, figure: str) -> Spread:
        return spread([found[one][figure] / found[other][figure] for found in seen])

    ratios = {
        "curl_cpu_over_bare_curl": ratio("transport", "bare_curl", "cpu_us"),
        "call_cpu_over_bare_curl": ratio("call", "bare_curl", "cpu_us"),
        "call_cpu_over_json_cpu": ratio("call_to_node", "json_to_fastapi", "cpu_us"),
        "curl_p50_over_json_p50": ratio("call_to_node", "json_to_fastapi", "p50_us"),
    }
    if "ext_grpc_to_node" in seen[0]:
        ratios["curl_p50_over_ext_grpc"] = ratio("call_to_node", "ext_grpc_to_node", "p50_us")
        ratios["call_cpu_over_ext_grpc"] = ratio("call_to_node", "ext_grpc_to_node", "cpu_us")
    return ratios


def _figures(seen: list[Round], about: dict[str, Any], turn_seconds: float) -> dict[str, Any]:
    return {
        "rounds": len(seen),
        "seconds_per_turn": turn_seconds,
        "others_cores_used": spread([turn["others"] for one in seen for turn in one.values()]),
        "php": f"{about['php']}, opcache {'on' if about['opcache'] else 'off'}",
        "libcurl": about["libcurl"],
        "protobuf_runtime": about["protobuf"],
        "ext_grpc": "measured" if "ext_grpc_to_node" in seen[0] else "not installed",
        "clients": {
            subject: {
                figure: spread([found[subject][figure] for found in seen])
                for figure in ("cpu_us", "p50_us", "p99_us")
            }
            for subject in seen[0]
        },
    }
