"""Stops the embedded servers when their node was killed and could not do it itself.

Run as a script, without the site packages: `python -I -S guard.py PID:SIGNAL…`. It waits for the
end of its standard input, which comes when the node closes it or is gone.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

# Calls and jobs under way get this long to end while their database is still there.
GRACE_SECONDS = 3.0


def main(arguments: list[str]) -> None:
    """Waits for the node's end, and stops the servers that outlived it."""
    # Opened while the servers surely run: another process that gets the same id is never hit.
    servers = [(os.pidfd_open(int(pid)), int(number)) for pid, _, number in map(_parts, arguments)]
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    node = sys.stdin.buffer.read()
    # A node that stops by itself says so, and has stopped the servers.
    if node != b"stopped":
        time.sleep(GRACE_SECONDS)
        for server, number in servers:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(server, number)


def _parts(argument: str) -> tuple[str, str, str]:
    return argument.partition(":")


if __name__ == "__main__":
    main(sys.argv[1:])
