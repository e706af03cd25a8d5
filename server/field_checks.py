"""Checks single values: what each rule of `howdah.validate.v1` means."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from google.protobuf.message import Message

from core.context import TENANT_ID
from core.failures import FieldViolation
from howdah.validate.v1 import validate_pb2

Rules: TypeAlias = validate_pb2.FieldRules
Found: TypeAlias = list[FieldViolation]
# Looks at one value; `path` names it in the request.
Check: TypeAlias = Callable[[Any, str, Found], None]

# More than these are not worth a caller's reading time, nor ours.
MAX_FOUND = 100

# 0001-01-01 to 9999-12-31, as protobuf and Python both can say it.
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799
LONGEST_DURATION_SECONDS = 315_576_000_000
NANOS_IN_SECOND = 1_000_000_000

UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
CURRENCY = re.compile(r"[A-Z]{3}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def required(then: Check | None) -> Check:
    """Refuses the zero value, and looks further at any other."""

    def check(value: Any, path: str, found: Found) -> None:
        if value is None or (not isinstance(value, Message) and not value):
            found.append(FieldViolation(path, "is required"))
        elif then is not None:
            then(value, path, found)

    return check


def repeated(rules: Rules, item: Check | None) -> Check:
    """Counts the items and looks at each."""
    least, most = rules.repeated.min_items, rules.repeated.max_items

    def check(value: Any, path: str, found: Found) -> None:
        count = len(value)
        if not count:
            if rules.required:
                found.append(FieldViolation(path, "is required"))
            return
        if count < least:
            found.append(FieldViolation(path, f"must have at least {least} items"))
        if most and count > most:
            found.append(FieldViolation(path, f"must have at most {most} items"))
            return
        if item is not None:
            for index, element in enumerate(value):
                item(element, f"{path}[{index}]", found)
                if len(found) >= MAX_FOUND:
                    return

    return check


def string(rules: validate_pb2.StringRules) -> Check:
    """Checks length, pattern, allowed values and form."""
    pattern = re.compile(rules.pattern) if rules.pattern else None
    allowed = tuple(getattr(rules, "in"))
    form = FORMATS.get(rules.format)
    in_length = length(rules.min_len, rules.max_len, "characters")

    def check(value: Any, path: str, found: Found) -> None:
        if not value:
            return
        if "\x00" in value:
            # Postgres cannot store it, and nobody means it.
            found.append(FieldViolation(path, "must not contain a NUL character"))
            return
        in_length(value, path, found)
        if pattern is not None and not pattern.fullmatch(value):
            found.append(FieldViolation(path, f"must match {rules.pattern}"))
        if allowed and value not in allowed:
            found.append(FieldViolation(path, f"must be one of {', '.join(allowed)}"))
        if form is not None and not form[0](value):
            found.append(FieldViolation(path, f"must be {form[1]}"))

    return check


def length(least: int, most: int, unit: str) -> Check:
    """Checks the length in `unit`s."""

    def check(value: Any, path: str, found: Found) -> None:
        if not value:
            return
        if len(value) < least:
            found.append(FieldViolation(path, f"must have at least {least} {unit}"))
        elif most and len(value) > most:
            found.append(FieldViolation(path, f"must have at most {most} {unit}"))

    return check


def in_range(rules: validate_pb2.Int32Rules | validate_pb2.Int64Rules) -> Check | None:
    """Checks the bounds; returns None where there are none."""
    least = rules.gte if rules.HasField("gte") else None
    most = rules.lte if rules.HasField("lte") else None
    if least is None and most is None:
        return None

    def check(value: Any, path: str, found: Found) -> None:
        if not value:
            return
        if least is not None and value < least:
            found.append(FieldViolation(path, f"must be at least {least}"))
        elif most is not None and value > most:
            found.append(FieldViolation(path, f"must be at most {most}"))

    return check


def defined(known: frozenset[int]) -> Check:
    """Refuses numbers that the contract does not name."""

    def check(value: Any, path: str, found: Found) -> None:
        if value is not None and value not in known:
            found.append(FieldViolation(path, f"has no value {value}"))

    return check


def timestamp(value: Any, path: str, found: Found) -> None:
    """Refuses what no calendar has."""
    if value is not None and not (
        FIRST_SECOND <= value.seconds <= LAST_SECOND and 0 <= value.nanos < NANOS_IN_SECOND
    ):
        found.append(FieldViolation(path, "must be between the years 1 and 9999"))


def duration(value: Any, path: str, found: Found) -> None:
    """Refuses what protobuf does not allow."""
    if value is not None and not (
        abs(value.seconds) <= LONGEST_DURATION_SECONDS and abs(value.nanos) < NANOS_IN_SECOND
    ):
        found.append(FieldViolation(path, "must be a duration of at most 10,000 years"))


def _is_date(text: str) -> bool:
    if not DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_time_zone(text: str) -> bool:
    return text in available_timezones() and ZoneInfo(text) is not None


FORMATS: dict[int, tuple[Callable[[str], object], str]] = {
    validate_pb2.STRING_FORMAT_UUID: (UUID.fullmatch, "a UUID"),
    validate_pb2.STRING_FORMAT_DATE: (_is_date, "a calendar date such as 2026-11-21"),
    validate_pb2.STRING_FORMAT_TIME_ZONE: (_is_time_zone, "an IANA time zone"),
    validate_pb2.STRING_FORMAT_CURRENCY: (CURRENCY.fullmatch, "an ISO 4217 code such as EUR"),
    validate_pb2.STRING_FORMAT_TENANT_ID: (
        TENANT_ID.fullmatch,
        "a tenant id of a-z, 0-9, _ and -",
    ),
}
