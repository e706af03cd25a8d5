"""Listens to Postgres's announcements on one connection and a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
import sqlalchemy as sa
import structlog

RECONNECT_SECONDS = 1.0
# How soon a process that closes, or a channel that is added, is noticed.
LOOK_UP_SECONDS = 0.5
CONNECT_TIMEOUT_SECONDS = 3
# Who announces tries one of them, by its process: one alone would often be another's who tries.
HEARERS_LOCKS = 64
HOLD = "SELECT count(pg_advisory_lock_shared(%s, slot)) FROM generate_series(0, %s - 1) AS slot"


def always() -> bool:
    """Is what is wanted until it is closed."""
    return True


class Listener:
    """Calls `announce(channel, payload)` for each announcement, on its thread.

    It calls `announce(channel, "")` when listening to a channel begins, begins again, or is lost.
    It connects at the first `listen`, and leaves when `still_wanted` says no. While it listens it
    shares the advisory locks of a class, if one is given, so that those who announce can know.
    """

    def __init__(
        self,
        url: str,
        name: str,
        announce: Callable[[str, str], None],
        *,
        lock_class: int | None = None,
        still_wanted: Callable[[], bool] = always,
    ) -> None:
        self._url = (
            sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        )
        self._name = name
        self._announce = announce
        self._lock_class = lock_class
        self._still_wanted = still_wanted
        self._lock = threading.Lock()
        self._channels: set[str] = set()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._hearing = threading.Event()

    @property
    def hearing(self) -> bool:
        """Tells whether every channel is listened to at present."""
        return self._hearing.is_set()

    def listen(self, channel: str) -> None:
        """Begins to listen to a channel, soon."""
        with self._lock:
            if channel not in self._channels:
                self._channels.add(channel)
                self._hearing.clear()
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def wait_until_hearing(self, seconds: float) -> bool:
        """Waits until every channel is listened to; tells whether it is."""
        return self._hearing.wait(seconds)

    def close(self) -> None:
        """Stops listening."""
        self._closing.set()
        thread = self._thread
        if thread is not None:
            thread.join(RECONNECT_SECONDS + CONNECT_TIMEOUT_SECONDS)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._listen()
            except psycopg.Error as fault:
                structlog.get_logger().warning("signals_lost", reason=str(fault).strip())
            finally:
                self._hearing.clear()
                self._tell_all()
            with self._lock:
                if not self._still_wanted():
                    self._thread = None
                    return
            self._closing.wait(RECONNECT_SECONDS)

    def _listen(self) -> None:
        with psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            application_name=self._name,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
        ) as connection:
            listened: set[str] = set()
            while not self._closing.is_set() and self._still_wanted():
                self._add(connection, listened)
                for notice in connection.notifies(timeout=LOOK_UP_SECONDS):
                    self._announce(notice.channel, notice.payload)
                    if self._closing.is_set():
                        return

    def _add(self, connection: psycopg.Connection[tuple[object, ...]], listened: set[str]) -> None:
        """Listens to what was asked for since."""
        with self._lock:
            added = self._channels - listened
        for channel in added:
            connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
        if added and self._lock_class is not None:
            # Waits for those who announce nothing as they could not know: what they changed is
            # seen by whoever looks now.
            connection.execute(HOLD, (self._lock_class, HEARERS_LOCKS))
        listened |= added
        with self._lock:
            if listened == self._channels:
                self._hearing.set()
        for channel in added:
            self._announce(channel, "")

    def _tell_all(self) -> None:
        with self._lock:
            channels = tuple(self._channels)
        for channel in channels:
            self._announce(channel, "")
