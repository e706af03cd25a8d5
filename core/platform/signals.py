"""Hears what Postgres announces and wakes who waits for it, on few connections per process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.platform.listener import Listener

JOB_CHANGED = "howdah_job_changed"
JOB_CANCEL = "howdah_job_cancel"
JOBS_WAITING = "howdah_jobs"
SCHEDULES_CHANGED = "howdah_schedules"

# Advisory locks: their class is "howd" in ASCII.
CHANGES_HEARD = 0x686F7764

POLL_SECONDS = 1.0
# How long changes are still heard after the last who waited for one has left.
LINGER_SECONDS = 60.0


class Waiter:
    """Waits for changes of one job."""

    def __init__(self, changes: Listener) -> None:
        self._changes = changes
        self._changed = threading.Event()

    def wait(self, seconds: float) -> bool:
        """Returns True where something was heard, and False after `seconds`.

        While the announcements cannot be heard it returns within a second, so that the caller
        looks for itself.
        """
        if not self._changes.hearing:
            seconds = min(seconds, POLL_SECONDS)
        heard = self._changed.wait(max(0.0, seconds))
        self._changed.clear()
        return heard

    def wake(self) -> None:
        """Ends the wait."""
        self._changed.set()


class JobSignals:
    """Listens when first needed, on a connection that is opened again whenever it is lost.

    Changes of jobs are announced only while somebody listens, and a process listens only while one
    of its callers waits: on a connection of its own, which holds a lock to say so. The connections
    must reach Postgres itself: behind a pooler in transaction mode nothing is heard, and waiters
    see changes only when they look by themselves.
    """

    def __init__(self, url: str) -> None:
        self._lock = threading.Lock()
        self._waiters: dict[str, set[Waiter]] = {}
        self._actions: dict[str, list[Callable[[str], None]]] = {}
        self._left_at = time.monotonic()
        self._steady = Listener(url, "howdah signals", self._act)
        self._changes = Listener(
            url,
            "howdah job changes",
            self._wake,
            lock_class=CHANGES_HEARD,
            still_wanted=self._is_anybody_waiting,
        )

    @property
    def hearing(self) -> bool:
        """Tells whether those who wait for a change hear of it at present."""
        return self._changes.hearing

    @contextmanager
    def waiter(self, tenant_id: str, job_id: str) -> Iterator[Waiter]:
        """Yields a waiter that hears every change of the job from now on."""
        waiter, key = Waiter(self._changes), f"{tenant_id}/{job_id}"
        with self._lock:
            self._waiters.setdefault(key, set()).add(waiter)
        self._changes.listen(JOB_CHANGED)
        try:
            yield waiter
        finally:
            with self._lock:
                others = self._waiters[key]
                others.discard(waiter)
                if not others:
                    del self._waiters[key]
                self._left_at = time.monotonic()

    def hear(self, channel: str, action: Callable[[str], None]) -> None:
        """Has `action` called with what is announced on a channel, on the listening thread.

        It is called with "" when listening begins and after the connection came back, as something
        may have been missed.
        """
        with self._lock:
            self._actions.setdefault(channel, []).append(action)
        self._steady.listen(channel)

    def wait_until_hearing(self, seconds: float) -> bool:
        """Waits until what `hear` asked for is listened to; tells whether it is."""
        return self._steady.wait_until_hearing(seconds)

    def close(self) -> None:
        """Stops listening and wakes everybody who waits."""
        self._steady.close()
        self._changes.close()
        self._wake(JOB_CHANGED, "")

    def _is_anybody_waiting(self) -> bool:
        with self._lock:
            return bool(self._waiters) or time.monotonic() - self._left_at < LINGER_SECONDS

    def _act(self, channel: str, payload: str) -> None:
        with self._lock:
            actions = tuple(self._actions.get(channel, ()))
        for action in actions:
            action(payload)

    def _wake(self, _channel: str, payload: str) -> None:
        with self._lock:
            groups = [self._waiters.get(payload, set())] if payload else self._waiters.values()
            waiters = [waiter for group in groups for waiter in group]
        for waiter in waiters:
            waiter.wake()
