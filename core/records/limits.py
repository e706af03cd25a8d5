"""Says how long and how great the values of records may be, as the contract does."""

from __future__ import annotations

from collections.abc import Iterator

from core.failures import FieldViolation

ID_LENGTH = 200
NAME_LENGTH = 500
EMAIL_LENGTH = 320
COUNTRY_LENGTH = 100
DESCRIPTION_LENGTH = 1000
MAX_QUANTITY = 1_000_000_000
MAX_UNIT_PRICE_MINOR = 1_000_000_000_000
MAX_AMOUNT_MINOR = 1_000_000_000_000_000
MAX_LINES = 10_000
FIRST_YEAR, LAST_YEAR = 1900, 2199


def text_faults(
    name: str, value: str, longest: int, *, required: bool = False
) -> Iterator[FieldViolation]:
    """Yields what is wrong with a text; Postgres takes no character 0."""
    if required and not value.strip():
        yield FieldViolation(name, "must not be blank")
    if len(value) > longest:
        yield FieldViolation(name, f"must have at most {longest} characters")
    if "\x00" in value:
        yield FieldViolation(name, "must not contain the character U+0000")


def number_faults(name: str, value: int, least: int, greatest: int) -> Iterator[FieldViolation]:
    """Yields what is wrong with a number."""
    if not least <= value <= greatest:
        yield FieldViolation(name, f"must be from {least} to {greatest}")


def findable(key: str) -> bool:
    """Tells whether there can be a record of this key; one that cannot be stored is not sought."""
    return "\x00" not in key
