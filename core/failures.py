"""Defines what an expected failure is, and how code that cannot return one lets go of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.reasons import Reason

# The message names the first few wrong fields; `fields` has them all.
SHOWN_VIOLATIONS = 3


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """Names one wrong field by its path in the request and says what is wrong."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Is one expected refusal: a catalogued reason, a sentence, and the values the sentence names.

    `metadata` holds every dynamic value of `message`; `retry_after_ms` is 0 where the caller's own
    backoff is good enough.
    """

    reason: Reason
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[FieldViolation, ...] = ()
    retry_after_ms: int = 0


class RefusedError(Exception):
    """Carries a failure through code that cannot return it, such as leaving a transaction."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def not_found(resource: str, name: str) -> Failure:
    """Says that the tenant has no such resource; a foreign tenant's resource reads the same."""
    return Failure(
        Reason.RESOURCE_NOT_FOUND,
        f"There is no {resource} {name!r}.",
        {"resource_type": resource, "resource_name": name},
    )


def already_exists(resource: str, name: str) -> Failure:
    """Says that the id is taken."""
    return Failure(
        Reason.RESOURCE_EXISTS,
        f"There is a {resource} {name!r} already.",
        {"resource_type": resource, "resource_name": name},
    )


def fields_invalid(violations: Iterable[FieldViolation]) -> Failure:
    """Says which fields break the rules of the contract."""
    found = tuple(violations)
    return Failure(
        Reason.FIELDS_INVALID,
        "; ".join(f"{v.field}: {v.description}" for v in found[:SHOWN_VIOLATIONS])
        + (f"; and {len(found) - SHOWN_VIOLATIONS} more" if len(found) > SHOWN_VIOLATIONS else ""),
        fields=found,
    )


def field_invalid(name: str, description: str) -> Failure:
    """Says which one field breaks a rule that the contract cannot express."""
    return fields_invalid([FieldViolation(name, description)])


def envelope(failure: Failure, correlation_id: str) -> dict[str, Any]:
    """Returns the `error` part of the `{ok, data, error}` envelope."""
    return {
        "code": failure.reason.code,
        "reason": failure.reason.name,
        "message": failure.message,
        "retryable": failure.reason.retryable,
        "retry_after_ms": failure.retry_after_ms,
        "fields": [{"field": v.field, "description": v.description} for v in failure.fields],
        "metadata": dict(failure.metadata),
        "correlation_id": correlation_id,
    }
