"""Becomes the command it is given, which the kernel then asks to stop when its parent is gone.

Run as a script, without the site packages: `python -I -S child.py PARENT_PID COMMAND…`. The parent
may have threads, so it cannot run this itself between fork and exec (`preexec_fn`).
"""

from __future__ import annotations

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Ties this process to the parent that started it, and becomes the command."""
    parent, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - elsewhere it is not needed.

        # SIGTERM, not SIGKILL: calls and jobs under way end as on any other stop, and Dramatiq's
        # main process passes it on to its worker. It survives exec.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            # It was gone before the kernel knew that we care.
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
