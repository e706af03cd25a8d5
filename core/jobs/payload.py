"""Checks that the payload of a job, which may come from anywhere, has the form its kind reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, TypeAlias
from zoneinfo import available_timezones

from core.failures import FieldViolation
from core.money import CURRENCY

# Returns what a value must be, or None where it is.
Check: TypeAlias = Callable[[Any], str | None]

UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def faults_of(
    payload: Mapping[str, Any],
    required: Mapping[str, Check],
    optional: Mapping[str, Check],
    path: str = "",
) -> Iterator[FieldViolation]:
    """Yields what is missing, unknown or wrong, by its path."""
    for name in sorted(required.keys() - payload.keys()):
        yield FieldViolation(f"{path}{name}", "is required")
    checks = {**required, **optional}
    for name, value in payload.items():
        fault = checks[name](value) if name in checks else "is not known"
        if fault is not None:
            yield FieldViolation(f"{path}{name}"[:200], fault)


def text(longest: int) -> Check:
    """Takes a string of up to so many characters."""
    return lambda value: (
        None
        if isinstance(value, str) and len(value) <= longest and "\x00" not in value
        else f"must be a text of at most {longest} characters"
    )


def one_of(*allowed: str) -> Check:
    """Takes one of these texts."""
    return lambda value: None if value in allowed else f"must be one of {', '.join(allowed)}"


def texts(longest: int, most: int) -> Check:
    """Takes a list of texts."""
    item = text(longest)
    return lambda value: (
        None
        if isinstance(value, list | tuple)
        and len(value) <= most
        and not any(item(each) for each in value)
        else f"must be a list of at most {most} texts of at most {longest} characters"
    )


def named_texts(most: int) -> Check:
    """Takes an object whose values are texts, of any length that a payload may have."""
    return lambda value: (
        None
        if isinstance(value, Mapping)
        and len(value) <= most
        and all(isinstance(each, str) for each in value.values())
        else f"must be an object of at most {most} texts"
    )


def uuid(value: Any) -> str | None:
    """Takes a UUID."""
    known = isinstance(value, str) and UUID.fullmatch(value)
    return None if known else "must be a UUID"


def day(value: Any) -> str | None:
    """Takes a date such as `2026-01-31`."""
    try:
        return None if date.fromisoformat(value).isoformat() == value else _DAY
    except (TypeError, ValueError):
        return _DAY


def time_zone(value: Any) -> str | None:
    """Takes an IANA time zone, or nothing for the tenant's."""
    known = isinstance(value, str) and (not value or value in available_timezones())
    return None if known else "must be an IANA time zone"


def currency(value: Any) -> str | None:
    """Takes an ISO 4217 code, or nothing for the tenant's."""
    known = isinstance(value, str) and (not value or CURRENCY.fullmatch(value))
    return None if known else "must be an ISO 4217 code such as EUR"


_DAY = "must be a date such as 2026-01-31"
