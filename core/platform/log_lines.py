"""Writes log lines in batches, so that a call makes no system call to be logged."""

from __future__ import annotations

import os
import threading
from collections import deque

FLUSH_INTERVAL_SECONDS = 0.1
LONGEST_BACKLOG_LINES = 50_000
LARGEST_WRITE_BYTES = 256 * 1024


class LineWriter:
    """Collects lines and writes them to a file descriptor every 100 ms, or at once when asked.

    Where the reader is slower than the node for long, lines are dropped and counted instead of
    filling the memory; the next batch says how many.
    """

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        # Appending to and popping from a deque are atomic; a list could lose lines in a swap.
        self._lines: deque[bytes] = deque()
        self._writing = threading.Lock()
        self._dropped = 0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-lines", daemon=True)
        self._thread.start()

    def append(self, line: bytes) -> None:
        """Takes one line, with its end, to be written with the next batch."""
        if len(self._lines) < LONGEST_BACKLOG_LINES:
            self._lines.append(line)
        else:
            self._dropped += 1

    def flush(self) -> None:
        """Writes everything that was taken before this call."""
        with self._writing:
            if self._dropped:
                self._lines.append(b'{"event":"log_lines_dropped","lines":%d}\n' % self._dropped)
                self._dropped = 0
            while self._lines:
                self._write(self._batch())

    def close(self) -> None:
        """Writes what is left and ends the thread."""
        self._closed.set()
        self._thread.join(timeout=1.0)
        self.flush()

    def _batch(self) -> bytes:
        batch: list[bytes] = []
        size = 0
        while self._lines and size < LARGEST_WRITE_BYTES:
            batch.append(self._lines.popleft())
            size += len(batch[-1])
        return b"".join(batch)

    def _write(self, batch: bytes) -> None:
        rest = memoryview(batch)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except OSError:
                # Nobody reads the log any more; that is no reason to stop answering calls.
                return

    def _run(self) -> None:
        while not self._closed.wait(FLUSH_INTERVAL_SECONDS):
            if self._lines:
                self.flush()


class LineLogger:
    """Is what structlog hands rendered lines to: warnings and worse are written at once."""

    def __init__(self, writer: LineWriter) -> None:
        self.debug = self.info = self.msg = writer.append
        self._writer = writer

    def warning(self, line: bytes) -> None:
        """Writes the line, and all before it, now."""
        self._writer.append(line)
        self._writer.flush()

    error = critical = exception = fatal = failure = warn = warning
