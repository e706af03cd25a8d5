"""Hears what Postgres announces, on one connection per process, and wakes who waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa
import structlog

JOB_CHANGED = "howdah_job_changed"
JOB_CANCEL = "howdah_job_cancel"
JOBS_WAITING = "howdah_jobs"
CHANNELS = (JOB_CHANGED, JOB_CANCEL, JOBS_WAITING)

POLL_SECONDS = 1.0
RECONNECT_SECONDS = 1.0
# How soon a process that closes is noticed.
LOOK_UP_SECONDS = 0.25
CONNECT_TIMEOUT_SECONDS = 3


class Waiter:
    """Waits for changes of one job."""

    def __init__(self, signals: JobSignals) -> None:
        self._signals = signals
        self._changed = threading.Event()

    def wait(self, seconds: float) -> bool:
        """Returns True where something was heard, and False after `seconds`.

        While the announcements cannot be heard it returns within a second, so that the caller
        looks for itself.
        """
        if not self._signals.hearing:
            seconds = min(seconds, POLL_SECONDS)
        heard = self._changed.wait(max(0.0, seconds))
        self._changed.clear()
        return heard

    def wake(self) -> None:
        """Ends the wait."""
        self._changed.set()


class JobSignals:
    """Listens on one connection, opened when first needed and again whenever it is lost.

    The connection must reach Postgres itself: behind a pooler in transaction mode nothing is
    heard, and waiters see changes only when they look by themselves.
    """

    def __init__(self, url: str) -> None:
        self._url = (
            sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        )
        self._lock = threading.Lock()
        self._waiters: dict[str, set[Waiter]] = {}
        self._actions: dict[str, list[Callable[[str], None]]] = {}
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._hearing = threading.Event()

    @property
    def hearing(self) -> bool:
        """Tells whether announcements arrive at present."""
        return self._hearing.is_set()

    @contextmanager
    def waiter(self, tenant_id: str, job_id: str) -> Iterator[Waiter]:
        """Yields a waiter that hears every change of the job from now on."""
        waiter, key = Waiter(self), f"{tenant_id}/{job_id}"
        with self._lock:
            self._waiters.setdefault(key, set()).add(waiter)
        self._start()
        try:
            yield waiter
        finally:
            with self._lock:
                others = self._waiters[key]
                others.discard(waiter)
                if not others:
                    del self._waiters[key]

    def hear(self, channel: str, action: Callable[[str], None]) -> None:
        """Has `action` called with what is announced on a channel, on the listening thread.

        It is called with "" after the connection came back, as something may have been missed.
        """
        with self._lock:
            self._actions.setdefault(channel, []).append(action)
        self._start()

    def wait_until_hearing(self, seconds: float) -> bool:
        """Waits for the connection; tells whether it is there."""
        self._start()
        return self._hearing.wait(seconds)

    def close(self) -> None:
        """Stops listening and wakes everybody who waits."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(RECONNECT_SECONDS + CONNECT_TIMEOUT_SECONDS)
        self._wake_all()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name="job-signals", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._listen()
            except psycopg.Error as fault:
                structlog.get_logger().warning("signals_lost", reason=str(fault).strip())
            finally:
                self._hearing.clear()
                self._wake_all()
            self._closing.wait(RECONNECT_SECONDS)

    def _listen(self) -> None:
        with psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            application_name="howdah signals",
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
        ) as connection:
            for channel in CHANNELS:
                connection.execute(
                    psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel))
                )
            self._hearing.set()
            self._wake_all()
            while not self._closing.is_set():
                for notice in connection.notifies(timeout=LOOK_UP_SECONDS):
                    self._announce(notice.channel, notice.payload)
                    if self._closing.is_set():
                        return

    def _announce(self, channel: str, payload: str) -> None:
        with self._lock:
            waiters = set(self._waiters.get(payload, ())) if channel == JOB_CHANGED else set()
            actions = tuple(self._actions.get(channel, ()))
        for waiter in waiters:
            waiter.wake()
        for action in actions:
            action(payload)

    def _wake_all(self) -> None:
        with self._lock:
            waiters = [waiter for group in self._waiters.values() for waiter in group]
            actions = [action for group in self._actions.values() for action in group]
        for waiter in waiters:
            waiter.wake()
        for action in actions:
            action("")
