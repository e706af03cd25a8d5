"""Starts servers on chosen cores, tells what they used, and stops them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.results import ROOT

START_SECONDS = 60.0
STOP_SECONDS = 40.0
LOG_SHOWN = 4_000
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Server:
    """Is a started program with everything that it started itself: one session."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log

    def pids(self) -> list[int]:
        """Returns the processes of the session."""
        return [pid for pid, _, _ in self._processes()]

    def cpu_seconds(self) -> float:
        """Returns what the processes that still run have used of the processors."""
        return sum(seconds for _, _, seconds in self._processes())

    def _processes(self) -> Iterator[tuple[int, int, float]]:
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                fields = (entry / "stat").read_text("utf-8").rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            session, used = int(fields[3]), int(fields[11]) + int(fields[12])
            if session == self.process.pid:
                yield int(entry.name), session, used / TICKS_PER_SECOND

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Returns when the condition holds; raises RuntimeError where the program ends first."""
        give_up = time.monotonic() + START_SECONDS
        while not condition():
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"{what} did not start:\n{self.log.read_text('utf-8')[-4000:]}")
            time.sleep(0.05)


@contextmanager
def started(
    command: Sequence[str], log: Path, *, cores: set[int], environment: Mapping[str, str]
) -> Iterator[Server]:
    """Yields the running program; its output goes to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**clean_environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),  # noqa: PLW1509 - one thread here.
        )
    server = Server(process, log)
    try:
        yield server
    except Exception:
        # The log goes with its directory: show how it ended.
        sys.stderr.write(f"{' '.join(command)}:\n{log.read_text('utf-8')[-LOG_SHOWN:]}\n")
        raise
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for pid in server.pids():
                os.kill(pid, signal.SIGKILL)
            process.wait()


def clean_environment() -> dict[str, str]:
    """Returns the environment without settings of a node, and with the tree on the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOWDAH_")}
    return {**kept, "PYTHONPATH": f"{ROOT}:{ROOT / 'generated/python'}"}


def free_port() -> int:
    """Returns a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Tells whether somebody accepts connections on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
