"""Says when a delivery that failed is tried again, and when its endpoint is left alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

SECOND, MINUTE, HOUR = 1.0, 60.0, 3_600.0
# After the first try, after the second, and so on: ten tries in three days.
RETRY_SECONDS = (
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
# So that what failed together does not come back together.
JITTER = 0.2
LONGEST_RETRY_AFTER_SECONDS = 24 * HOUR

# After so many failures in a row, no matter of which message, the endpoint is left alone: for a
# minute first, and for twice as long with each failure more.
FAILURES_BEFORE_PAUSE = 5
FIRST_PAUSE_SECONDS = 1 * MINUTE
LONGEST_PAUSE_SECONDS = 30 * MINUTE
# Then one delivery tries; the others wait for what becomes of it.
PROBE_SECONDS = 2 * MINUTE
# Failures further apart than any two tries of one delivery are not counted as one long failing.
FORGOTTEN_SECONDS = 48 * HOUR


def retry_seconds(tries: int, retry_after: float, *, random: Callable[[], float]) -> float | None:
    """Returns how long to wait after the `tries`th try (from 1); None where it was the last.

    A receiver may ask for a longer wait than the schedule's, up to a day, and not for a shorter.
    """
    if tries > len(RETRY_SECONDS):
        return None
    wanted = min(retry_after, LONGEST_RETRY_AFTER_SECONDS)
    return max(RETRY_SECONDS[tries - 1], wanted) * (1 + JITTER * random())


def retry_after_seconds(header: str, now: datetime) -> float:
    """Returns what a Retry-After header asks for: seconds or a date; 0 for anything else."""
    header = header.strip()
    if header.isascii() and header.isdigit():
        # More digits than a day has seconds mean a long time, whatever they say.
        return float(header[:9])
    try:
        then = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    then = then if then.tzinfo is not None else then.replace(tzinfo=UTC)
    return max(0.0, (then - now).total_seconds())
