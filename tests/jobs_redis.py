"""Starts a Redis of one test's own, to be stopped and started."""

from __future__ import annotations

import tempfile
from pathlib import Path

from core.platform.embedded import start_redis


class OwnRedis:
    """Runs from the beginning; what it held when stopped it has again when started."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._socket = Path(tempfile.mkdtemp(prefix="howdah-")) / "redis.sock"
        self.url = f"unix://{self._socket}"
        self._process = start_redis(directory, self._socket)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._socket.unlink(missing_ok=True)

    def start(self) -> None:
        self._process = start_redis(self._directory, self._socket)
