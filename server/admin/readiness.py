"""Answers whether the node can work, naming each thing that it needs."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as OutOfTimeError

from core.failures import RefusedError
from core.platform.migrate import newest_revision
from core.platform.queue import redis_faults
from core.platform.redis_client import open_redis
from core.platform.storage import Storage
from core.platform.system_database import SystemDatabase
from server.ports import split

CHECK_SECONDS = 3.0
CONNECT_SECONDS = 1.0

Check = Callable[[], None]


class NotReadyError(Exception):
    """Says in words what is missing."""


class Readiness:
    """Runs all checks at once; one that hangs costs its own answer and not the others'."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._threads = ThreadPoolExecutor(max_workers=4 * len(checks), thread_name_prefix="ready")

    def __call__(self) -> dict[str, str]:
        """Returns `ok` or what is wrong, by name."""
        running = {name: self._threads.submit(check) for name, check in self._checks.items()}
        give_up = time.monotonic() + CHECK_SECONDS
        answers = {}
        for name, future in running.items():
            try:
                future.result(max(0.0, give_up - time.monotonic()))
                answers[name] = "ok"
            except OutOfTimeError:
                future.cancel()
                answers[name] = f"no answer within {CHECK_SECONDS:g} s"
            except NotReadyError as fault:
                answers[name] = str(fault)
            except RefusedError as refusal:
                answers[name] = f"{refusal} ({_cause(refusal)})"
            except Exception as fault:  # noqa: BLE001 - an unknown fault is an answer as well.
                answers[name] = f"{type(fault).__name__}: {fault}"
        return answers

    def close(self) -> None:
        """Gives up on checks that hang."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def postgres_answers(system: SystemDatabase) -> Check:
    """Returns a check of the connection to Postgres."""

    def check() -> None:
        with system.begin(timeout_seconds=CHECK_SECONDS) as transaction:
            transaction.one("SELECT 1")

    return check


def schema_is_current(system: SystemDatabase) -> Check:
    """Returns a check that the schema is the one of this release."""
    needed = newest_revision()

    def check() -> None:
        with system.begin(timeout_seconds=CHECK_SECONDS) as transaction:
            if transaction.one("SELECT to_regclass('howdah_migration') AS name") == {"name": None}:
                raise NotReadyError("not migrated: run `howdah migrate`")
            found = transaction.one("SELECT version_num FROM howdah_migration")
        revision = found["version_num"] if found else None
        if revision != needed:
            raise NotReadyError(f"at {revision}, but {needed} is needed: run `howdah migrate`")

    return check


def redis_answers(url: str, timeout_seconds: float) -> Check:
    """Returns a check of the connection to Redis."""
    client = open_redis(url, timeout_seconds)

    def check() -> None:
        with redis_faults():
            client.ping()

    return check


def storage_takes_files(storage: Storage) -> Check:
    """Returns a check that files can be written."""
    return storage.check


def processes_run(processes: Callable[[], Mapping[str, int | None]], address: str | None) -> Check:
    """Returns a check that every process runs and, where an address is given, that one listens."""

    def check() -> None:
        missing = [name for name, pid in processes().items() if pid is None]
        if missing:
            raise NotReadyError(f"not running: {', '.join(missing)}")
        if address is not None:
            try:
                socket.create_connection(split(_reachable(address)), CONNECT_SECONDS).close()
            except OSError as fault:
                raise NotReadyError(f"nothing listens on {address}: {fault}") from fault

    return check


def _cause(refusal: RefusedError) -> str:
    """Returns the first line of what the driver said; the page is for operators only."""
    return str(refusal.__cause__ or "").partition("\n")[0]


def _reachable(address: str) -> str:
    """Returns where a server that listens on all interfaces is reached from here."""
    return address.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:")
