"""Tells how much of the machine others use, so that a disturbed round is known as one."""

from __future__ import annotations

import os
import time
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Busy cores that are no disturbance: the kernel, and the Postgres and Redis that stand idle.
QUIET_CORES = 0.15
LOOK_SECONDS = 0.25


def busy_seconds() -> float:
    """Returns the time that all processors together have worked since the machine started."""
    line = Path("/proc/stat").read_text("utf-8").partition("\n")[0]
    user, nice, system, _idle, _waiting, *rest = (int(ticks) for ticks in line.split()[1:9])
    return (user + nice + system + sum(rest)) / TICKS_PER_SECOND


def wait_for_quiet(patience_seconds: float) -> bool:
    """Returns True as soon as a moment was quiet, or False where none was in this time."""
    give_up = time.monotonic() + patience_seconds
    while time.monotonic() < give_up:
        before, started = busy_seconds(), time.monotonic()
        time.sleep(LOOK_SECONDS)
        if (busy_seconds() - before) / (time.monotonic() - started) < QUIET_CORES:
            return True
    return False
