"""Runs a function in a child process that may die without harm, with a pipe to it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import connection, forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeAlias

import psutil

# For a process that was told to write down where it stands.
STACK_SECONDS = 0.3
# For the news of the end of a process that was killed.
END_SECONDS = 5.0
LONGEST_STACK_BYTES = 16_384

# Is given its end of the pipe, and an order.
# Quoted, because only the type checker knows that connections are generic.
ChildMain: TypeAlias = "Callable[[connection.Connection[Any, Any], Any], None]"


class ChildProcess:
    """Is one child, used by one thread."""

    def __init__(
        self, process: BaseProcess, pipe: connection.Connection[Any, Any], lock: threading.Lock
    ) -> None:
        self._process = process
        self._pipe = pipe
        self._lock = lock

    def send(self, message: object) -> None:
        """Tells the child something; one that is gone hears nothing, and `receive` says so."""
        with suppress(OSError):
            self._pipe.send(message)

    def receive(self, seconds: float) -> Any | None:
        """Returns what the child said, or None after `seconds`; raises EOFError at its end."""
        ready = connection.wait([self._pipe, self._process.sentinel], seconds)
        if not ready:
            return None
        try:
            # What it said before it ended is still there.
            if self._pipe in ready or self._pipe.poll():
                return self._pipe.recv()
        except OSError as fault:
            raise EOFError from fault
        raise EOFError

    def resident_bytes(self) -> int:
        """Returns the memory that it occupies; 0 where it is gone."""
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    def ask_for_stack(self) -> None:
        """Has it write down where it stands, by way of `faulthandler.register`."""
        self._signal(signal.SIGUSR1)
        self._process.join(STACK_SECONDS)

    def kill(self) -> None:
        """Ends it at once."""
        self._signal(signal.SIGKILL)

    def end(self) -> int:
        """Waits for its end and returns the exit code, negative for a signal."""
        connection.wait([self._process.sentinel], END_SECONDS)
        with self._lock:
            code = self._process.exitcode
        # Nobody tells where the server process hangs.
        return -signal.SIGKILL if code is None else code

    def close(self) -> None:
        """Kills it where it still runs, and lets go of it."""
        self.kill()
        self.end()
        self._pipe.close()
        # It refuses to forget a process of whose end nobody told.
        with suppress(ValueError):
            self._process.close()

    def _signal(self, number: signal.Signals) -> None:
        with self._lock:
            if self._process.exitcode is None and self._process.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(self._process.pid, number)


class ChildProcesses:
    """Forks children from a server process that has the modules loaded, and no threads.

    A worker has threads, and a fork of it could inherit a lock that nobody unlocks. The server
    starts with the first child.
    """

    def __init__(self, main: ChildMain) -> None:
        """Takes a function of a module, by whose name a child finds it."""
        self._main = main
        self._context = multiprocessing.get_context("forkserver")
        # multiprocessing looks after all its processes whenever it starts one.
        self._lock = threading.Lock()
        self._running: set[ChildProcess] = set()
        forkserver.set_forkserver_preload([main.__module__])

    def start(self, order: object) -> ChildProcess:
        """Returns a child that runs the function; raises OSError or EOFError where none starts."""
        ours, theirs = self._context.Pipe()
        # A daemon: it is not waited for when this process ends.
        process = self._context.Process(target=self._main, args=(theirs, order), daemon=True)
        try:
            with self._lock:
                process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        child = ChildProcess(process, ours, self._lock)
        self._running.add(child)
        return child

    def close(self, child: ChildProcess) -> None:
        """Ends a child."""
        self._running.discard(child)
        child.close()

    def kill_all(self) -> None:
        """Ends all children, for a process that leaves at once."""
        for child in list(self._running):
            child.kill()


def exit_in_words(code: int) -> str:
    """Returns `SIGSEGV` for the code of a killed process, and `exit code 3` for another."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def stack_lines(file: Path) -> list[str]:
    """Returns what faulthandler wrote to the file, as lines."""
    try:
        with file.open("rb") as stack:
            text = stack.read(LONGEST_STACK_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip()]
