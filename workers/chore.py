"""Does a chore whose failure must not end the process that does it."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from core.failures import RefusedError

AFTER_FAULT_SECONDS = 1.0


def done(name: str, do: Callable[[], object]) -> bool:
    """Does it; tells whether it went well, and logs where it did not."""
    try:
        do()
    except RefusedError as refusal:
        structlog.get_logger().warning("chore_failed", chore=name, reason=str(refusal))
        return False
    except Exception:  # noqa: BLE001 - one bad round must not end the process.
        structlog.get_logger().exception("chore_broken", chore=name)
        return False
    return True
