from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from core.records.import_mapping import ImportFormat, ImportGrouping, ImportMapping
from core.records.import_reader import Record
from core.records.import_rows import ImportRow, Rejection, RowParser
from core.records.invoice import InvoiceKind

COLUMNS = ("no", "who", "when", "what", "text", "count", "price", "sum", "land")
FIELDS = (
    "number",
    "customer_external_id",
    "issue_time",
    "sku",
    "description",
    "quantity",
    "unit_price",
    "amount",
    "country",
)
MAPPING = ImportMapping(
    format=ImportFormat.CSV,
    grouping=ImportGrouping.ROWS_SHARE_NUMBER,
    fields=dict(zip(FIELDS, COLUMNS, strict=True)),
    time_zone="Europe/Berlin",
    currency="EUR",
    credit_note_prefix="C",
)


def parse(mapping: ImportMapping = MAPPING, **changed: str) -> ImportRow | Rejection:
    row = {
        "no": "1",
        "who": "7",
        "when": "2021-01-01",
        "what": "X",
        "text": "a thing",
        "count": "2",
        "price": "1.50",
        "sum": "",
        "land": "DE",
        **changed,
    }
    text = ",".join(row.values())
    return RowParser(mapping, COLUMNS)(Record(5, list(row.values()), text, ""))


def stored(mapping: ImportMapping = MAPPING, **changed: str) -> ImportRow:
    row = parse(mapping, **changed)
    assert isinstance(row, ImportRow), row
    return row


def test_a_row_becomes_a_line_numbered_by_its_row() -> None:
    row = stored()
    assert (row.number, row.customer_external_id, row.country) == ("1", "7", "DE")
    assert row.kind is InvoiceKind.SALE
    assert row.issued_at == datetime(2020, 12, 31, 23, tzinfo=UTC)
    line = row.line
    assert (line.line_number, line.sku, line.description) == (5, "X", "a thing")
    assert (line.quantity, line.unit_price_minor, line.amount_minor) == (2, 150, 300)


@pytest.mark.parametrize(
    ("count", "price", "amount", "expected"),
    [
        ("3", "0.125", "", (12, 38)),  # 37.5 cents: rounded once, half to even
        ("5", "0.005", "", (0, 2)),
        ("7", "", "77.00", (1100, 7700)),
        ("3", "", "10", (333, 1000)),
        ("3", "2", "5.50", (200, 550)),
        ("1", "0", "", (0, 0)),
    ],
)
def test_amounts_are_exact(count: str, price: str, amount: str, expected: tuple[int, int]) -> None:
    line = stored(count=count, price=price, sum=amount).line
    assert (line.unit_price_minor, line.amount_minor) == expected


def test_a_currency_without_cents_has_none() -> None:
    line = stored(dataclasses.replace(MAPPING, currency="JPY"), price="150").line
    assert (line.unit_price_minor, line.amount_minor) == (150, 300)


def test_a_credit_note_is_stored_with_positive_numbers() -> None:
    row = stored(no="C9", count="-2", sum="-3.00")
    assert row.kind is InvoiceKind.CREDIT_NOTE
    assert (row.line.quantity, row.line.amount_minor) == (2, 300)


def test_values_are_trimmed() -> None:
    row = stored(no=" 1 ", count=" 2 ", price=" 1.5 ", when=" 2021-01-01 ")
    assert row.number == "1"
    assert row.line.amount_minor == 300


def test_a_constant_may_hold_the_number_of_the_row() -> None:
    fields = {name: column for name, column in MAPPING.fields.items() if name != "number"}
    mapping = dataclasses.replace(MAPPING, fields=fields, constants={"number": "N-{row}"})
    assert stored(mapping).number == "N-5"


def test_a_time_with_a_zone_keeps_it() -> None:
    assert stored(when="2021-01-01T12:00:00+05:00").issued_at == datetime(2021, 1, 1, 7, tzinfo=UTC)


def test_dates_are_read_in_the_form_of_the_mapping() -> None:
    mapping = dataclasses.replace(MAPPING, date_format="%d/%m/%Y %H:%M", time_zone="UTC")
    assert stored(mapping, when="1/12/2010 8:26").issued_at == datetime(
        2010, 12, 1, 8, 26, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("changed", "column", "reason"),
    [
        ({"no": " "}, "no", "no is blank."),
        ({"no": "x" * 201}, "no", "no has more than 200 characters."),
        ({"what": ""}, "what", "what is blank."),
        ({"when": "soon"}, "when", "when is not a date of the form ISO 8601."),
        ({"when": "0202-01-01"}, "when", "when is not from 1900 to 2199."),
        ({"count": "0"}, "count", "count is not above 0 on a sale."),
        ({"count": "-1"}, "count", "count is not above 0 on a sale."),
        ({"count": "1.5"}, "count", "count is not a whole number."),
        ({"count": ""}, "count", "count is not a whole number."),
        ({"count": "1000000001"}, "count", "count is not from 1 to 1000000000."),
        ({"no": "C1"}, "count", "count is not below 0 on a credit note."),
        ({"no": "C1", "count": "-1", "sum": "5"}, "sum", "sum is above 0."),
        ({"price": ""}, "price", "price is blank."),
        ({"price": "1,50"}, "price", "price is not a decimal number such as 12.50."),
        ({"price": "-1"}, "price", "price is below 0."),
        ({"price": "10000000001"}, "price", "price is more than 1000000000000 minor units."),
        (
            {"count": "1000000000", "price": "1000000"},
            "sum",
            "sum is more than 1000000000000000 minor units.",
        ),
        ({"text": "x" * 1001}, "text", "text has more than 1000 characters."),
    ],
)
def test_a_row_that_cannot_be_stored_says_why(
    changed: dict[str, str], column: str, reason: str
) -> None:
    row = parse(MAPPING, **changed)
    assert isinstance(row, Rejection)
    assert (row.row_number, row.column, row.reason) == (5, column, reason)
    assert row.text


def test_a_row_that_cannot_be_read_is_rejected_with_its_text() -> None:
    record = Record(3, [], "1,2", "has 2 columns and not 9")
    row = RowParser(MAPPING, COLUMNS)(record)
    assert row == Rejection(3, "", "The row has 2 columns and not 9.", "1,2")
