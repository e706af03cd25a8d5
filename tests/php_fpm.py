"""Runs the PHP client's example page behind nginx and PHP-FPM, both from Debian."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import eventually, free_port

EXAMPLE = Path(__file__).parent.parent / "clients/php/examples/fpm"
STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Page:
    """Is what a browser got."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Site:
    """Is the example page at an address."""

    def __init__(self, port: int, directory: Path) -> None:
        self.port = port
        self.directory = directory

    def get(self, path: str, method: str = "GET", **headers: str) -> Page:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._ask(method, path, None, names)

    def post(self, path: str, form: str) -> Page:
        return self._ask("POST", path, form, {"Content-Type": "application/x-www-form-urlencoded"})

    def log(self) -> str:
        logs = (self.directory / "fpm.log", self.directory / "nginx.log")
        return "\n".join(log.read_text("utf-8", "replace") for log in logs if log.exists())

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Page:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Page(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()


@contextmanager
def site(
    directory: Path, files: Path, environment: Mapping[str, str], *, by_nginx: bool = True
) -> Iterator[Site]:
    """Runs the example with its own nginx.conf and pool.conf, moved to `directory`.

    Where files do not go `by_nginx`, PHP streams them.
    """
    directory.mkdir(parents=True)
    port = free_port()
    moves = {
        "/srv/sales": str(EXAMPLE),
        "/run/sales": str(directory),
        "/var/lib/howdah/files": str(files),
        "127.0.0.1:8080": f"127.0.0.1:{port}",
        **({} if by_nginx else {"env[HOWDAH_ACCEL_LOCATION] = /howdah-files/": ""}),
    }
    nginx_conf = _moved("nginx.conf", directory, moves, "user root;\n" if os.geteuid() == 0 else "")
    pool_conf = _moved("pool.conf", directory, moves, "")
    as_root = ["--allow-to-run-as-root"] if os.geteuid() == 0 else []
    if as_root:
        with pool_conf.open("a") as pool:
            pool.write("user = root\ngroup = root\n")
    fpm = [_php_fpm(), "--nodaemonize", "--fpm-config", str(pool_conf), *as_root]
    nginx = [_program("nginx"), "-p", str(directory), "-c", str(nginx_conf), "-e", "stderr"]
    found = Site(port, directory)
    with _running(fpm, environment, found), _running(nginx, {}, found):
        eventually(lambda: _is_up(found), 30)
        yield found


def _moved(name: str, directory: Path, moves: Mapping[str, str], before: str) -> Path:
    text = (EXAMPLE / name).read_text("utf-8")
    for old, new in moves.items():
        text = text.replace(old, new)
    place = directory / name
    place.write_text(before + text, "utf-8")
    return place


@contextmanager
def _running(command: list[str], environment: Mapping[str, str], found: Site) -> Iterator[None]:
    with (found.directory / "output.log").open("ab") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=output, stderr=output
        )
    try:
        yield
        assert process.poll() is None, found.log()
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _is_up(found: Site) -> bool:
    try:
        return found.get("/nowhere").status == 404
    except OSError:
        return False


def _program(name: str) -> str:
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    assert path is not None, f"{name} is missing: run tools/debian.sh test"
    return path


def _php_fpm() -> str:
    version = subprocess.run(
        ["php", "-r", "echo PHP_MAJOR_VERSION, '.', PHP_MINOR_VERSION;"],
        capture_output=True,
        text=True,
        check=True,
    )
    return _program(f"php-fpm{version.stdout}")
