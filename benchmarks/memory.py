"""Tells how large the processes of a node's workers became while a job ran."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Server

POLL_SECONDS = 0.05
PROC = Path("/proc")
GONE = (FileNotFoundError, ProcessLookupError)
RESET_PEAK = "5"


@dataclass
class Peak:
    """Is the largest resident set of one process, before and while something ran, in MiB."""

    before_mib: float
    peak_mib: float


class WorkerMemory:
    """Looks at the processes that `howdah up` started as workers, and at those they started."""

    def __init__(self, server: Server) -> None:
        self._server = server

    @contextmanager
    def watched(self) -> Iterator[Peak]:
        """Yields what is filled in at the end; the kernel itself remembers each process's peak."""
        for pid in self._workers():
            with suppress(*GONE):
                (PROC / str(pid) / "clear_refs").write_text(RESET_PEAK, "ascii")
        found = Peak(self._largest("VmRSS"), 0.0)
        ended = threading.Event()

        def watch() -> None:
            # Looked at all the time: a process that ends takes its peak along.
            while not ended.wait(POLL_SECONDS):
                found.peak_mib = max(found.peak_mib, self._largest("VmHWM"))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield found
        finally:
            ended.set()
            watcher.join()
            found.peak_mib = max(found.peak_mib, self._largest("VmHWM"))

    def _largest(self, what: str) -> float:
        return max((_mib(pid, what) for pid in self._workers()), default=0.0)

    def _workers(self) -> set[int]:
        """Returns Dramatiq's main processes and everything below them."""
        parents = {pid: _parent(pid) for pid in self._server.pids()}
        workers = {pid for pid in parents if b"dramatiq" in _command(pid)}
        while more := {pid for pid, parent in parents.items() if parent in workers} - workers:
            workers |= more
        return workers


def _parent(pid: int) -> int:
    with suppress(*GONE):
        return int((PROC / str(pid) / "stat").read_text("utf-8").rpartition(")")[2].split()[1])
    return 0


def _command(pid: int) -> bytes:
    with suppress(*GONE):
        return (PROC / str(pid) / "cmdline").read_bytes()
    return b""


def _mib(pid: int, what: str) -> float:
    with suppress(*GONE):
        for line in (PROC / str(pid) / "status").read_text("utf-8").splitlines():
            if line.startswith(f"{what}:"):
                return int(line.split()[1]) / 1024
    return 0.0
