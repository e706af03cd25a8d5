"""Turns what all services share between messages and values: errors, times and dates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from core.failures import Failure, RefusedError, envelope, field_invalid
from howdah.common.v1 import common_pb2 as pb

EPOCH = datetime.fromtimestamp(0, UTC)
SECONDS_IN_DAY = 86_400


def error(values: Mapping[str, Any]) -> pb.Error:
    """Writes the `error` part of an envelope, as `core.failures.envelope` makes it."""
    return pb.Error(
        code=values["code"],
        reason=values["reason"],
        message=values["message"],
        retryable=values["retryable"],
        retry_after_ms=values["retry_after_ms"],
        fields=[
            pb.FieldViolation(field=found["field"], description=found["description"])
            for found in values["fields"]
        ],
        metadata=values["metadata"],
        correlation_id=values["correlation_id"],
    )


def item_errors(failures: Iterable[tuple[int, Failure]], correlation_id: str) -> list[pb.ItemError]:
    """Writes why single items of a batch were not stored, by their place in the request."""
    return [
        pb.ItemError(index=index, error=error(envelope(failure, correlation_id)))
        for index, failure in failures
    ]


def timestamp(value: datetime | None) -> Timestamp | None:
    """Writes a time; None leaves the field unset."""
    if value is None:
        return None
    # The library's own FromDatetime takes five times as long, for dates without a time zone too.
    since = value - EPOCH
    seconds = since.days * SECONDS_IN_DAY + since.seconds
    return Timestamp(seconds=seconds, nanos=since.microseconds * 1_000)


def time_of(message: Timestamp, field: str) -> datetime:
    """Reads a time, to the microsecond. Refuses with FIELDS_INVALID what no calendar has."""
    try:
        return message.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise RefusedError(field_invalid(field, "is not a time")) from None


def date_of(text: str, field: str) -> date:
    """Reads a date such as `2021-01-31`. Refuses with FIELDS_INVALID what no calendar has."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise RefusedError(field_invalid(field, "is not a date such as 2021-01-31")) from None
