"""Runs the supervisor as a process of its own, over shell commands in place of servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.supervisor import STARTS_BEFORE_GIVING_UP

PROGRAM = """
import json, os, sys, threading
from core.config import load_settings
from core.platform.logging import configure_logging
from server.supervisor import Program, Supervisor

configure_logging(load_settings({"HOWDAH_LOG_FORMAT": "json"}), "supervisor")
programs = [
    Program(name=p["name"], command=("/bin/sh", "-c", p["script"]), stop_seconds=p.get("stop", 5),
            stage=p.get("stage", 0), runs_once=p.get("once", False),
            ends_node=p.get("once", False))
    for p in json.loads(sys.argv[1])
]
sys.exit(Supervisor(programs, dict(os.environ), hung_seconds=1.0).run())
"""
# Writes its pid, and once more a line when it is asked to stop.
WELL_BEHAVED = (
    "echo $$ >> {0}.pids; trap 'echo {0} >> stopped; exit 0' TERM; while :; do sleep 0.05; done"
)
# Says a word on its life line.
LINE = "/proc/self/fd/${HOWDAH_LIFE_LINE%%:*}"
ALIVE, LEAVING = f"printf . > {LINE};", f"printf ! > {LINE};"
DEAF = "echo $$ >> {0}.pids; trap '' TERM; while :; do sleep 0.05; done"


class Run:
    def __init__(self, directory: Path, programs: list[dict[str, object]]) -> None:
        self.directory = directory
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        self.log = (directory / "log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PROGRAM), json.dumps(programs)],
            cwd=directory,
            env=environment,
            stderr=self.log,
        )

    def pids(self, name: str, count: int = 1) -> list[int]:
        file = self.directory / f"{name}.pids"
        until(lambda: file.exists() and len(file.read_text().split()) >= count)
        return [int(pid) for pid in file.read_text().split()]

    def events(self) -> list[str]:
        return [
            json.loads(line)["event"]
            for line in (self.directory / "log").read_text().splitlines()
            if line.startswith("{")
        ]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def begin(*programs: dict[str, object]) -> Run:
        runs.append(Run(tmp_path, list(programs)))
        return runs[-1]

    yield begin
    for run in runs:
        run.close()


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def program(name: str, script: str = WELL_BEHAVED, **more: object) -> dict[str, object]:
    return {"name": name, "script": script.format(name), **more}


def test_a_process_that_dies_is_started_again(start: Callable[..., Run]) -> None:
    run = start(program("a"))
    (pid,) = run.pids("a")
    os.kill(pid, signal.SIGKILL)
    assert run.pids("a", 2)[1] != pid
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(5) == 0
    assert "process_died" in run.events()


def test_a_process_that_cannot_start_ends_the_node_after_some_tries(
    start: Callable[..., Run],
) -> None:
    run = start(program("a"), program("broken", "echo $$ >> {0}.pids; exit 3"))
    assert run.process.wait(30) == 1
    assert len(run.pids("broken")) == 5
    assert "process_cannot_start" in run.events()
    assert not alive(run.pids("a")[0])


def test_a_worker_that_is_killed_by_its_jobs_again_and_again_does_not_end_the_node(
    start: Callable[..., Run],
) -> None:
    # What Dramatiq's main process answers when a process of its own was killed.
    dies = f"echo $$ >> dies.pids; {ALIVE} exit 1"
    run = start(program("a"), {"name": "dies", "script": dies})
    run.pids("dies", STARTS_BEFORE_GIVING_UP + 1)
    assert run.process.poll() is None
    assert alive(run.pids("a")[0])
    assert "process_cannot_start" not in run.events()


def test_a_stop_goes_through_the_stages_in_order(start: Callable[..., Run]) -> None:
    run = start(program("second", stage=1), program("first", stage=0))
    run.pids("first")
    run.pids("second")
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(5) == 0
    assert (run.directory / "stopped").read_text().split() == ["first", "second"]


def test_a_process_that_does_not_stop_in_time_is_killed_and_the_code_says_so(
    start: Callable[..., Run],
) -> None:
    run = start(program("deaf", DEAF, stop=0.3))
    (pid,) = run.pids("deaf")
    started = time.monotonic()
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(5) == 1
    assert time.monotonic() - started < 3
    assert not alive(pid)


def test_a_second_signal_stops_at_once(start: Callable[..., Run]) -> None:
    run = start(program("deaf", DEAF, stop=60))
    (pid,) = run.pids("deaf")
    run.process.send_signal(signal.SIGTERM)
    until(lambda: "stopping" in run.events())
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(5) == 1
    assert not alive(pid)


def test_children_stop_when_the_supervisor_is_killed(start: Callable[..., Run]) -> None:
    run = start(program("a"), program("b"))
    pids = [*run.pids("a"), *run.pids("b")]
    run.process.kill()
    run.process.wait()
    until(lambda: not any(alive(pid) for pid in pids), 5)


def test_what_a_killed_process_had_started_does_not_live_on(start: Callable[..., Run]) -> None:
    script = "sleep 300 & echo $! >> grandchild.pids; echo $$ >> a.pids; wait"
    run = start(program("a", script))
    (grandchild,) = run.pids("grandchild")
    os.kill(run.pids("a")[0], signal.SIGKILL)
    run.pids("a", 2)
    assert not alive(grandchild)


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (7, 1)])
def test_a_program_that_runs_once_ends_the_node_with_its_verdict(
    start: Callable[..., Run], code: int, expected: int
) -> None:
    run = start(program("a"), program("once", f"sleep 0.2; exit {code}", once=True, stage=0))
    assert run.process.wait(5) == expected


def test_a_program_that_falls_silent_is_killed_with_its_own_and_started_again(
    start: Callable[..., Run],
) -> None:
    hangs = f"echo $$ >> hangs.pids; {ALIVE} sleep 300"
    lives = f"echo $$ >> lives.pids; while :; do {ALIVE} sleep 0.1; done"
    run = start(
        {"name": "hangs", "script": hangs}, {"name": "lives", "script": lives}, program("mute")
    )
    first, _ = run.pids("hangs", 2)
    assert not alive(first)
    assert len(run.pids("lives")) == len(run.pids("mute")) == 1
    assert "process_hung" in run.events()


def test_a_program_that_says_so_may_end_and_is_started_again(start: Callable[..., Run]) -> None:
    leaves = f"echo $$ >> leaves.pids; {LEAVING} sleep 0.2"
    run = start({"name": "leaves", "script": leaves})
    run.pids("leaves", 2)
    assert "process_recycled" in run.events()
    assert "process_died" not in run.events()
