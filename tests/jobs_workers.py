"""Starts real worker processes with the tests' kinds, and a dispatcher in a thread."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.jobs_lab import Lab
from workers.dispatcher import Dispatcher

SHORT = {
    "HOWDAH_JOB_LEASE_SECONDS": "2",
    "HOWDAH_JOB_HEARTBEAT_SECONDS": "0.4",
    "HOWDAH_WORKER_DRAIN_SECONDS": "2",
    "HOWDAH_WORKER_POLL_MILLISECONDS": "20",
}


class Workers:
    """Starts real worker processes, and ends what is left of them."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = {**os.environ, **environment, **SHORT}
        self._log = log
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, *, threads: int = 2, kinds: str = "") -> subprocess.Popen[bytes]:
        """Starts a worker; `kinds`, separated by commas, are all that it knows."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "dramatiq", "tests.jobs_worker:boot"),
                    *("--processes", "1", "--threads", str(threads)),
                ],
                env={**self._environment, "TEST_JOB_KINDS": kinds},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Dramatiq's main process and its worker end together.
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def log(self) -> str:
        return self._log.read_text("utf-8")

    def close(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                self.kill(process)


@contextmanager
def dispatching(lab: Lab) -> Iterator[None]:
    dispatcher = Dispatcher(lab.jobs, lab.settings, sweep_files=lambda: None)
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    yield
    dispatcher.stop()
    thread.join()
