"""Keeps refusals that cannot change, so that a repeated call gets the same one."""

from __future__ import annotations

from core.context import Context
from core.platform.database import AlreadyAnsweredError, Database


def remember_refusal(database: Database, context: Context, response: bytes) -> None:
    """Keeps the refusal under the call's key; an answer that is there already stays.

    The refused call has rolled back and has no effect, so this needs no transaction in common.
    """
    idempotency = context.idempotency
    assert idempotency is not None
    try:
        with database.begin(context) as unit:
            unit.keep_answer(response)
    except AlreadyAnsweredError:
        # The same call, sent twice at once, was refused first over there.
        return
