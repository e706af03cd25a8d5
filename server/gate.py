"""Says whether the node takes calls, and what it tells those it does not take."""

from __future__ import annotations

import threading

from core.failures import Failure
from core.reasons import Reason

OVERLOADED = Failure(
    Reason.NODE_OVERLOADED,
    "The node has as many calls as it can take.",
    {"subject": "node"},
    retry_after_ms=200,
)
DRAINING = Failure(Reason.NODE_DRAINING, "The node is shutting down.", retry_after_ms=300)


class Gate:
    """Knows whether the node takes calls. Closed once, when the node begins to drain."""

    def __init__(self) -> None:
        self._draining = threading.Event()

    def close(self) -> None:
        """Has new calls refused and streams end, so that their callers go on at another node."""
        self._draining.set()

    @property
    def draining(self) -> bool:
        """Tells whether the node is on its way out."""
        return self._draining.is_set()
