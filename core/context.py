"""Says who asks, for which tenant, and until when; handed from the door to every use case."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.failures import Failure, RefusedError
from core.reasons import Reason

ALL_TENANTS = "*"
TENANT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Principal:
    """Is a caller that proved itself: its credential, its tenants and its roles."""

    key_id: str
    tenants: frozenset[str]
    roles: frozenset[str]
    permissions: frozenset[str]

    def may_act_for(self, tenant_id: str) -> bool:
        """Tells whether the credential covers the tenant."""
        return tenant_id in self.tenants or ALL_TENANTS in self.tenants


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Makes a repeated call answer like the first.

    `fingerprint` is the SHA-256 of the request; `encode` turns the use case's value into the bytes
    that are kept and sent again.
    """

    method: str
    key: str
    fingerprint: bytes
    encode: Callable[[Any], bytes]


def always() -> bool:
    """Is what is wanted by nobody in particular, such as the work of a job."""
    return True


@dataclass(frozen=True, slots=True)
class Context:
    """Travels with one call or one attempt of a job. `deadline` is on the monotonic clock."""

    principal: Principal
    tenant_id: str
    correlation_id: str
    deadline: float
    traceparent: str = ""
    idempotency: Idempotency | None = None
    # Tells whether somebody still waits for the answer.
    is_wanted: Callable[[], bool] = always

    def remaining_seconds(self) -> float:
        """Returns the time left, never below 0."""
        return max(0.0, self.deadline - time.monotonic())

    def require_time(self) -> None:
        """Raises DEADLINE_EXCEEDED where nobody waits for the answer any more."""
        if time.monotonic() >= self.deadline:
            raise RefusedError(
                Failure(Reason.DEADLINE_EXCEEDED, "The deadline passed before the work was done.")
            )
