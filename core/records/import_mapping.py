"""Says how a file becomes invoices, and what a mapping must have to make sense."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.failures import Failure, FieldViolation
from core.money import CURRENCY
from core.reasons import Reason

FIELDS = frozenset(
    {
        "number",
        "customer_external_id",
        "issue_time",
        "sku",
        "description",
        "quantity",
        "unit_price",
        "amount",
        "country",
        "currency",
    }
)
REQUIRED = ("number", "issue_time", "sku", "quantity")
ENCODINGS = frozenset({"utf-8", "utf-16", "latin-1", "windows-1252"})
ROW = "{row}"
MOST_FAULTS = 10
# Letters that mean the same in every locale.
DATE_LETTERS = frozenset("YymdHMSfzIpjbBaA%")
SAMPLE_DATE = datetime(2021, 3, 24, 0, 0, tzinfo=UTC)


class ImportFormat(StrEnum):
    """Lists the forms of files."""

    CSV = "CSV"
    NDJSON = "NDJSON"
    BLANK_SEPARATED = "BLANK_SEPARATED"
    SEMICOLON = "SEMICOLON"
    TAB = "TAB"


class ImportGrouping(StrEnum):
    """Lists what a row can be: an invoice, or a line of the invoice whose number it has."""

    ROW_IS_INVOICE = "ROW_IS_INVOICE"
    ROWS_SHARE_NUMBER = "ROWS_SHARE_NUMBER"


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """Tells which column or constant fills which field, and how dates and numbers are written.

    `columns` is empty where the first row names them; `time_zone` and `currency` are empty for
    the tenant's own.
    """

    format: ImportFormat
    grouping: ImportGrouping
    fields: Mapping[str, str]
    constants: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    date_format: str = ""
    time_zone: str = ""
    currency: str = ""
    credit_note_prefix: str = ""
    encoding: str = "utf-8"

    def to_json(self) -> dict[str, Any]:
        """Returns it as a job's payload keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ImportMapping:
        """Reads what `to_json` returned, or a part of it: what has a default may be left out."""
        return cls(
            **{
                **values,
                "format": ImportFormat(values["format"]),
                "grouping": ImportGrouping(values["grouping"]),
                "columns": tuple(values.get("columns", ())),
            }
        )


def check(mapping: ImportMapping) -> Failure | None:
    """Returns why the mapping cannot make invoices, as IMPORT_MAPPING_INVALID, or None."""
    faults = tuple(islice(_faults(mapping), MOST_FAULTS))
    return invalid(*faults) if faults else None


def invalid(*faults: FieldViolation) -> Failure:
    """Returns IMPORT_MAPPING_INVALID with the parts of the mapping that are wrong."""
    return Failure(
        Reason.IMPORT_MAPPING_INVALID,
        "; ".join(f"{fault.field} {fault.description}" for fault in faults),
        {"fields": ", ".join(fault.field for fault in faults)},
        faults,
    )


def _faults(mapping: ImportMapping) -> Iterator[FieldViolation]:
    if any("\x00" in text for text in _texts(mapping)):
        yield FieldViolation("mapping", "must not contain the character U+0000")
        return
    yield from _field_faults(mapping)
    yield from _column_faults(mapping)
    if mapping.encoding not in ENCODINGS:
        yield FieldViolation("mapping.encoding", f"must be one of {', '.join(sorted(ENCODINGS))}")
    if mapping.date_format and not _is_date_format(mapping.date_format):
        yield FieldViolation(
            "mapping.date_format", "must name year, month and day, such as %d/%m/%Y"
        )
    if mapping.time_zone and not _is_time_zone(mapping.time_zone):
        yield FieldViolation("mapping.time_zone", "must be an IANA time zone")
    if mapping.currency and not CURRENCY.fullmatch(mapping.currency):
        yield FieldViolation("mapping.currency", "must be an ISO 4217 code such as EUR")


def _field_faults(mapping: ImportMapping) -> Iterator[FieldViolation]:
    filled = mapping.fields.keys() | mapping.constants.keys()
    for name in sorted(filled - FIELDS):
        yield FieldViolation(f"mapping.fields.{name}"[:200], "is no field of an invoice")
    for name in sorted(mapping.fields.keys() & mapping.constants.keys()):
        yield FieldViolation(f"mapping.constants.{name}", "is filled by a column already")
    for name in REQUIRED:
        if name not in filled:
            yield FieldViolation(f"mapping.fields.{name}", "is filled by no column or constant")
    if not filled & {"unit_price", "amount"}:
        yield FieldViolation("mapping.fields.unit_price", "or amount must be filled")
    number = mapping.constants.get("number")
    if number is not None and ROW not in number:
        yield FieldViolation("mapping.constants.number", f"must contain {ROW}")


def _column_faults(mapping: ImportMapping) -> Iterator[FieldViolation]:
    if mapping.format is ImportFormat.NDJSON and mapping.columns:
        yield FieldViolation("mapping.columns", "must be empty, since NDJSON names its values")
    elif len(set(mapping.columns)) != len(mapping.columns):
        yield FieldViolation("mapping.columns", "must not name a column twice")
    elif mapping.columns:
        for name, column in sorted(mapping.fields.items()):
            if column not in mapping.columns:
                yield FieldViolation(f"mapping.fields.{name}"[:200], "is none of mapping.columns")


def _is_date_format(form: str) -> bool:
    letters = re.findall(r"%(.?)", form, re.DOTALL)
    if not set(letters) <= DATE_LETTERS:
        return False
    try:
        read = datetime.strptime(SAMPLE_DATE.strftime(form), form)  # noqa: DTZ007
    except (ValueError, re.error):
        return False
    return (read.year, read.month, read.day) == (2021, 3, 24)


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False
    return True


def _texts(mapping: ImportMapping) -> Iterator[str]:
    for pairs in (mapping.fields, mapping.constants):
        yield from pairs.keys()
        yield from pairs.values()
    yield from mapping.columns
    yield mapping.date_format
    yield mapping.time_zone
    yield mapping.credit_note_prefix
