from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from core.platform import guard
from core.platform.embedded import embedded_redis, embedded_servers, redis_socket, start_redis

HOLD = """
import sys, pathlib
from core.platform.embedded import embedded_servers
with embedded_servers(pathlib.Path(sys.argv[1])):
    print("up", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="howdah-embedded-"))
    yield directory
    shutil.rmtree(directory)


def pids_of(data_dir: Path) -> list[int]:
    files = (data_dir / "postgres/postmaster.pid", data_dir / "redis.pid")
    return [int(file.read_text().split()[0]) for file in files]


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_servers_stop_when_their_node_is_killed_and_start_again(data_dir: Path) -> None:
    node = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", HOLD, str(data_dir)],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert node.stdout is not None
    assert node.stdout.readline() == b"up\n"
    pids = pids_of(data_dir)
    assert all(alive(pid) for pid in pids)
    node.kill()
    node.communicate()
    give_up = time.monotonic() + guard.GRACE_SECONDS + 10
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < give_up
        time.sleep(0.05)
    with embedded_servers(data_dir) as servers:
        with psycopg.connect(servers.database_url) as connection:
            row = connection.execute("SELECT current_user").fetchone()
            assert row == ("howdah_app",)
        again = pids_of(data_dir)
    assert not any(alive(pid) for pid in again)


def test_what_redis_was_told_survives_a_restart_and_a_leftover(data_dir: Path) -> None:
    socket = redis_socket(data_dir.resolve())
    leftover = start_redis(data_dir.resolve(), socket)
    with redis.Redis(unix_socket_path=str(socket)) as client:
        client.set("said", "yes")
    with embedded_redis(data_dir) as url, redis.Redis.from_url(url) as client:
        assert leftover.wait(5) == 0
        assert client.get("said") == b"yes"


def test_a_long_path_gets_a_short_socket_that_is_always_the_same() -> None:
    deep = Path("/tmp") / ("x" * 200)
    assert len(str(redis_socket(deep))) < 100
    assert redis_socket(deep) == redis_socket(deep)
