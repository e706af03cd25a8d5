"""Runs the programs of a node under supervision, with its admin pages, until it is stopped."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from core.config import Settings
from core.platform.telemetry import clear_metrics, metrics_directory
from server.admin.app import admin_pages
from server.admin.readiness import NotReadyError, processes_run
from server.programs import child_environment
from server.supervisor import Program, Supervisor

POLL_SECONDS = 0.02


def run_node(
    settings: Settings,
    programs: Sequence[Program],
    *,
    admin: socket.socket | None,
    output: int | None = None,
    when_ready: Callable[[], None] = lambda: None,
) -> int:
    """Returns the exit code once everything has stopped.

    `settings` name the ports that are held and the servers that run. `when_ready` is called once,
    in a thread, when all processes run and one of them takes calls.
    """
    clear_metrics(metrics_directory(settings))
    supervisor = Supervisor(
        programs,
        child_environment(settings),
        output,
        hung_seconds=settings.worker_hung_seconds,
    )
    serves_calls = any(program.name.startswith("server-") for program in programs)
    with ExitStack() as stack:
        if admin is not None:
            stack.enter_context(
                admin_pages(settings, admin, supervisor.processes, serves_calls=serves_calls)
            )
        ended = threading.Event()
        stack.callback(ended.set)
        address = settings.grpc_address if serves_calls else None
        threading.Thread(
            target=_announce,
            args=(processes_run(supervisor.processes, address), ended, when_ready),
            name="announce",
            daemon=True,
        ).start()
        return supervisor.run()


def _announce(
    check: Callable[[], None], ended: threading.Event, when_ready: Callable[[], None]
) -> None:
    while not ended.wait(POLL_SECONDS):
        try:
            check()
        except NotReadyError:
            continue
        tell_systemd("READY=1")
        when_ready()
        return


def tell_systemd(state: str) -> None:
    """Tells systemd that the unit is up, where it asked to be told (Type=notify)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            # A leading @ stands for Linux's abstract namespace.
            channel.connect(address.replace("@", "\0", 1) if address[0] == "@" else address)
            channel.sendall(state.encode())


class Stopwatch:
    """Measures from the start of this process on."""

    def __init__(self) -> None:
        # What imports and arguments took is part of what a user waits for.
        self.started = time.monotonic() - time_since_start()

    def seconds(self) -> float:
        """Returns the seconds since."""
        return time.monotonic() - self.started


def time_since_start() -> float:
    """Returns how long this process has run; 0 where the system does not say it as Linux does."""
    try:
        fields = Path("/proc/self/stat").read_text("ascii").rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    # The 22nd field of proc(5), counted from the third: clock ticks since the machine booted.
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)
