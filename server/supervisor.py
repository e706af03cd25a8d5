"""Starts the processes of a node, starts them again when they die, and stops them in order."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from core.config import LIFE_LINE
from core.platform.life_line import name_of
from server.life_signs import LifeSigns

CHILD = Path(__file__).parent / "child.py"
# A closed terminal is a stop like any other.
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
FIRST_BACKOFF_SECONDS = 0.2
LONGEST_BACKOFF_SECONDS = 10.0
# A process that lived this long has started well, and its next death is a new story.
HEALTHY_SECONDS = 5.0
# As often as this in a row, a process may end by itself at its start before the node gives up.
STARTS_BEFORE_GIVING_UP = 5
LONGEST_WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Program:
    """Is one process to keep running. Programs of a lower stage are stopped first."""

    name: str
    command: tuple[str, ...]
    stop_seconds: float
    stage: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    # Before the first start only.
    delay_seconds: float = 0.0
    # The end of this one is no accident: its code is remembered and it is not started again.
    runs_once: bool = False
    # Ends the node with this program's code.
    ends_node: bool = False


class Child:
    """Is one program with the process that runs it, if one does."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.failures = 0
        self.started_at = 0.0
        self.start_at: float | None = time.monotonic() + program.delay_seconds
        self.life = LifeSigns()

    def start(self, environment: Mapping[str, str], output: int | None) -> None:
        """Starts the process in a group of its own: a Ctrl-C reaches only the supervisor."""
        self.started_at, self.start_at = time.monotonic(), None
        with self.life.line() as line:
            self.process = subprocess.Popen(  # noqa: S603 - the commands are the node's own.
                [sys.executable, "-I", "-S", str(CHILD), str(os.getpid()), *self.program.command],
                env={**environment, **self.program.environment, LIFE_LINE: name_of(line)},
                stdin=subprocess.DEVNULL,
                stdout=None if self.program.runs_once else output,
                stderr=None if self.program.runs_once else output,
                process_group=0,
                pass_fds=(line,),
            )

    def signal_group(self, number: signal.Signals) -> None:
        """Sends a signal to the process and everything it started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def ask_to_stop(self) -> None:
        """Asks the process itself; what it started is its own to stop."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def backoff(self, code: int) -> float:
        """Returns how long to wait before the next start, longer after each early death."""
        lived = time.monotonic() - self.started_at
        # A signal comes from outside and says nothing about whether the program can start. A worker
        # that has begun can start: the jobs that kill it must not end the node.
        well = lived > HEALTHY_SECONDS or code < 0 or self.life.spoke
        self.failures = 0 if well else self.failures + 1
        return min(FIRST_BACKOFF_SECONDS * 2.0**self.failures, LONGEST_BACKOFF_SECONDS)


class Supervisor:
    """Runs programs until a signal, and is used by the main thread only.

    The kernel ties a child to the thread that started it, so that thread must live as long.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        environment: Mapping[str, str],
        output: int | None = None,
        *,
        hung_seconds: float = 30.0,
    ) -> None:
        self._children = [Child(program) for program in programs]
        self._environment = environment
        self._output = output
        self._hung_seconds = hung_seconds
        self._signals = 0
        self._code = 0
        self._stopping = False
        self._log = structlog.get_logger()

    def processes(self) -> dict[str, int | None]:
        """Returns the process id of each program, or None where it does not run now."""
        return {
            child.program.name: child.process.pid if child.process else None
            for child in self._children
            if not child.program.runs_once
        }

    def run(self) -> int:
        """Returns when everything has stopped: 0, or 1 where that or the start went wrong."""
        with self._wakeups() as wakeup:
            try:
                while not self._stopping:
                    self._start_due()
                    self._wait(wakeup)
                    self._kill_hung()
                    self._bury()
            finally:
                # Also where this very loop broke: no child is left behind.
                self._stop(wakeup)
        return self._code

    def stop(self, code: int = 0) -> None:
        """Ends `run` soon, from within a signal handler or the loop."""
        self._stopping = True
        self._code = self._code or code

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.start_at is not None and child.start_at <= now:
                child.start(self._environment, self._output)
                assert child.process is not None
                self._log.info("process_started", program=child.program.name, pid=child.process.pid)

    def _kill_hung(self) -> None:
        """Kills programs that have shown that they live, and do so no more; the others stay."""
        for child in self._children:
            silent_seconds = child.life.listen()
            if silent_seconds > self._hung_seconds and _runs(child):
                self._log.error(
                    "process_hung", program=child.program.name, silent_seconds=round(silent_seconds)
                )
                child.signal_group(signal.SIGKILL)
                child.life.forget()

    def _bury(self) -> None:
        """Notices children that ended, and plans their next start."""
        for child in self._children:
            code = child.process.poll() if child.process is not None else None
            if code is None:
                continue
            # Dramatiq's worker would outlive its killed main process.
            child.signal_group(signal.SIGKILL)
            child.process = None
            if child.program.runs_once:
                self._log.info("process_ended", program=child.program.name, code=code)
                if child.program.ends_node:
                    self.stop(0 if code == 0 else 1)
                continue
            child.life.listen()
            backoff = child.backoff(code)
            child.start_at = time.monotonic() + backoff
            facts = {"program": child.program.name, "code": code, "restart_in_seconds": backoff}
            if child.life.left:
                self._log.info("process_recycled", **facts)
            else:
                self._log.error("process_died", **facts)
            if child.failures >= STARTS_BEFORE_GIVING_UP:
                self._log.critical("process_cannot_start", program=child.program.name, code=code)
                self.stop(1)

    def _stop(self, wakeup: socket.socket) -> None:
        for stage in sorted({child.program.stage for child in self._children}):
            stopped = [child for child in self._children if child.program.stage == stage]
            for child in stopped:
                child.ask_to_stop()
            give_up = time.monotonic() + max(child.program.stop_seconds for child in stopped)
            while running := [child for child in stopped if _runs(child)]:
                if self._signals > 1 or time.monotonic() > give_up:
                    break
                self._wait(wakeup)
            for child in running:
                self._log.error("process_killed", program=child.program.name)
                self._code = 1
            for child in stopped:
                child.signal_group(signal.SIGKILL)
                if child.process is not None:
                    child.process.wait()

    def _wait(self, wakeup: socket.socket) -> None:
        """Sleeps until a signal, the end of a child or the next planned start."""
        now = time.monotonic()
        pauses = [child.start_at - now for child in self._children if child.start_at is not None]
        # A start that is due now was planned before the stop, and will not happen.
        pause = min([LONGEST_WAIT_SECONDS, *(p for p in pauses if p > 0)])
        if select.select([wakeup], [], [], pause)[0]:
            wakeup.recv(4096)

    @contextmanager
    def _wakeups(self) -> Iterator[socket.socket]:
        """Yields a socket that becomes readable with every signal and every death of a child."""
        reading, writing = socket.socketpair()
        for end in (reading, writing):
            end.setblocking(False)
        before = {
            **{number: signal.signal(number, self._asked_to_stop) for number in STOP_SIGNALS},
            signal.SIGCHLD: signal.signal(signal.SIGCHLD, lambda _number, _frame: None),
        }
        previous = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        try:
            yield reading
        finally:
            signal.set_wakeup_fd(previous)
            for number, handler in before.items():
                signal.signal(number, handler)
            reading.close()
            writing.close()

    def _asked_to_stop(self, number: int, _frame: object) -> None:
        self._signals += 1
        self._stopping = True
        self._log.info("stopping", signal=signal.Signals(number).name, at_once=self._signals > 1)


def _runs(child: Child) -> bool:
    return child.process is not None and child.process.poll() is None
