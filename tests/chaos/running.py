"""Runs a node with the kind of the chaos, and finds its processes."""

from __future__ import annotations

import signal
import subprocess
import sys

import psutil

from tests.servers import OwnNode, eventually

READY_SECONDS = 60.0


class ChaosNode(OwnNode):
    """Is `howdah up` with the supervisor of `tests.chaos.node`."""

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.node"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        eventually(self.is_ready, READY_SECONDS)

    def workers(self) -> list[psutil.Process]:
        """Returns the processes that run jobs: each is the child of one of Dramatiq's."""
        return [process for process in self.processes("-m dramatiq") if _is_worker(process)]

    def dispatchers(self) -> list[psutil.Process]:
        return self.processes("-m workers.dispatcher")

    def servers(self) -> list[psutil.Process]:
        return self.processes("-m tests.chaos.node serve")

    def left_behind(self) -> list[psutil.Process]:
        """Returns the processes that have this node's variables, whoever is their parent by now."""
        found = []
        for process in psutil.process_iter():
            try:
                directory = process.environ().get("HOWDAH_DATA_DIR")
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
            if directory == self.environment["HOWDAH_DATA_DIR"]:
                found.append(process)
        return found

    def clear_away(self) -> None:
        """Ends whatever of it still runs."""
        for process in self.left_behind():
            process.send_signal(signal.SIGKILL)
        self._process.wait()


def _is_worker(process: psutil.Process) -> bool:
    try:
        parent = process.parent()
        return parent is not None and "dramatiq" in parent.cmdline()
    except psutil.NoSuchProcess:
        return False
