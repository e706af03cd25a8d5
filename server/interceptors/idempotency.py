"""Answers a repeated call like the first, by its idempotency key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from core.context import Idempotency
from core.failures import Failure, FieldViolation, RefusedError
from core.platform.database import Database
from core.platform.idempotency import AlreadyAnsweredError
from core.reasons import Reason
from howdah.policy.v1 import policy_pb2
from server.call import Answer, Call, Handler
from server.method import RpcMethod

KEY_FIELD = "idempotency_key"
ANSWER, REFUSAL = b"\x00", b"\x01"
# Statuses that another try may change; they are never kept.
TRANSIENT = frozenset(
    {
        "UNAVAILABLE",
        "INTERNAL",
        "DEADLINE_EXCEEDED",
        "RESOURCE_EXHAUSTED",
        "CANCELLED",
        "ABORTED",
    }
)
MISSING = Failure(Reason.IDEMPOTENCY_KEY_MISSING, "The method needs an idempotency key.")


class AnswerOnce:
    """Keeps answers in the transaction of their effect, and refusals that cannot change."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, method: RpcMethod, proceed: Handler) -> Handler:
        """Wraps a method; one that takes no key is left as it is."""
        if method.idempotency == policy_pb2.IDEMPOTENCY_NONE:
            return proceed
        if KEY_FIELD not in method.request.DESCRIPTOR.fields_by_name:
            raise ValueError(f"{method.path} takes an idempotency key but has no field for it")
        required = method.idempotency == policy_pb2.IDEMPOTENCY_REQUIRED

        def handle(call: Call) -> Answer:
            key = getattr(call.request, KEY_FIELD)
            if not key:
                if required:
                    raise RefusedError(MISSING)
                return proceed(call)
            return self._once(call, key, proceed)

        return handle

    def _once(self, call: Call, key: str, proceed: Handler) -> Answer:
        assert call.request is not None
        # The parsed message in its canonical form: clients may order a map's bytes anew.
        canonical = call.request.SerializeToString(deterministic=True)
        fingerprint = hashlib.sha256(call.method.path.encode() + b"\n" + canonical).digest()
        call.idempotency = Idempotency(call.method.path, key, fingerprint, _keeper(call))
        try:
            return proceed(call)
        except AlreadyAnsweredError as answered:
            call.initial_metadata.append(("x-idempotent-replayed", "true"))
            return replayed(answered.response)
        except RefusedError as refusal:
            failure = refusal.failure
            if failure.reason.code not in TRANSIENT and failure.reason is not REUSED:
                self._database.remember_refusal(call.context(), REFUSAL + _dump(failure))
            raise


REUSED = Reason.IDEMPOTENCY_KEY_REUSED


def _keeper(call: Call) -> Callable[[Any], bytes]:
    def keep(value: Any) -> bytes:
        assert call.encode is not None
        call.answer = call.encode(value)
        return ANSWER + call.answer

    return keep


def replayed(response: bytes) -> bytes:
    """Returns the kept answer, or raises the kept refusal."""
    if response[:1] == ANSWER:
        return response[1:]
    raise RefusedError(_load(response[1:]))


def _dump(failure: Failure) -> bytes:
    return json.dumps(
        {
            "reason": failure.reason.name,
            "message": failure.message,
            "metadata": dict(failure.metadata),
            "fields": [[violation.field, violation.description] for violation in failure.fields],
        }
    ).encode()


def _load(stored: bytes) -> Failure:
    values = json.loads(stored)
    return Failure(
        Reason[values["reason"]],
        values["message"],
        values["metadata"],
        tuple(FieldViolation(field, description) for field, description in values["fields"]),
    )
