"""Keeps the answer to a call with its effect, under the caller's idempotency key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.context import Context
from core.failures import Failure, RefusedError
from core.reasons import Reason

if TYPE_CHECKING:
    from core.platform.unit_of_work import UnitOfWork

IN_PROGRESS = Failure(
    Reason.REQUEST_IN_PROGRESS,
    "A call with the same idempotency key is still running.",
    retry_after_ms=500,
)
REUSED = Failure(
    Reason.IDEMPOTENCY_KEY_REUSED,
    "The idempotency key was used before with another request.",
)
BY_KEY = " WHERE tenant_id = :tenant_id AND key_id = :key_id AND method = :method AND key = :key"


class AlreadyAnsweredError(Exception):
    """Leaves a transaction whose idempotency key was answered before; carries that answer."""

    def __init__(self, response: bytes) -> None:
        super().__init__("answered before")
        self.response = response


def claim(unit: UnitOfWork) -> None:
    """Takes the key, waiting for a call that holds it; raises where it was answered before.

    The row belongs to `unit`'s transaction, so a rollback gives the key back by itself.
    """
    wanted = unit.context.idempotency
    assert wanted is not None
    key = _key(unit.context)
    try:
        claimed = unit.execute(
            "INSERT INTO idempotency (tenant_id, key_id, method, key, fingerprint)"
            " VALUES (:tenant_id, :key_id, :method, :key, :fingerprint) ON CONFLICT DO NOTHING",
            {**key, "fingerprint": wanted.fingerprint},
        ).rowcount
    except RefusedError as refusal:
        if refusal.failure.reason is Reason.DEADLINE_EXCEEDED:
            raise RefusedError(IN_PROGRESS) from refusal
        raise
    if claimed:
        return
    row = unit.one(f"SELECT fingerprint, response FROM idempotency{BY_KEY}", key)
    if row is None or row["response"] is None:
        raise RefusedError(IN_PROGRESS)
    if bytes(row["fingerprint"]) != wanted.fingerprint:
        raise RefusedError(REUSED)
    raise AlreadyAnsweredError(bytes(row["response"]))


def answer(unit: UnitOfWork, response: bytes) -> None:
    """Writes the answer that repeats of the call will get."""
    unit.execute(
        f"UPDATE idempotency SET response = :response, completed_at = now(){BY_KEY}",
        {**_key(unit.context), "response": response},
    )


def _key(context: Context) -> dict[str, Any]:
    assert context.idempotency is not None
    return {
        "tenant_id": context.tenant_id,
        "key_id": context.principal.key_id,
        "method": context.idempotency.method,
        "key": context.idempotency.key,
    }
