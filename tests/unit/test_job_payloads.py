"""Checks what callers may give to the kinds that are open to them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from core.analytics.kpis import Period
from core.documents import workbook_payload
from core.documents.workbook_payload import LAST, last
from core.records import import_payload
from core.records.import_mapping import ImportFormat, ImportGrouping, ImportMapping

FILE = "0198f6d2-0000-7000-8000-000000000000"
MAPPING = {
    "format": "CSV",
    "grouping": "ROW_IS_INVOICE",
    "fields": {name: name for name in ("number", "issue_time", "sku", "quantity", "unit_price")},
}


def fields(faults: Any) -> list[str]:
    return [fault.field for fault in faults]


def test_the_least_that_an_import_needs_is_enough() -> None:
    assert not import_payload.check_payload({"file_id": FILE, "mapping": MAPPING})


def test_what_start_import_writes_is_taken() -> None:
    mapping = ImportMapping(
        ImportFormat.NDJSON,
        ImportGrouping.ROWS_SHARE_NUMBER,
        {**MAPPING["fields"], "country": "x" * 5_000},  # type: ignore[dict-item]
        constants={"currency": "EUR"},
        date_format="%d/%m/%Y",
        time_zone="Europe/Berlin",
        currency="EUR",
        credit_note_prefix="C",
    )

    assert not import_payload.check_payload({"file_id": FILE, "mapping": mapping.to_json()})


@pytest.mark.parametrize(
    ("payload", "wrong"),
    [
        ({}, ["file_id", "mapping"]),
        ({"file_id": 7, "mapping": MAPPING}, ["file_id"]),
        ({"file_id": "x", "mapping": MAPPING}, ["file_id"]),
        ({"file_id": FILE, "mapping": []}, ["mapping"]),
        ({"file_id": FILE, "mapping": MAPPING, "more": 1}, ["more"]),
        (
            {"file_id": FILE, "mapping": {}},
            ["mapping.fields", "mapping.format", "mapping.grouping"],
        ),
        ({"file_id": FILE, "mapping": {**MAPPING, "format": ["CSV"]}}, ["mapping.format"]),
        ({"file_id": FILE, "mapping": {**MAPPING, "fields": {"sku": 1}}}, ["mapping.fields"]),
        ({"file_id": FILE, "mapping": {**MAPPING, "columns": "a,b"}}, ["mapping.columns"]),
        ({"file_id": FILE, "mapping": {**MAPPING, "time_zone": "Mars"}}, ["mapping.time_zone"]),
        ({"file_id": FILE, "mapping": {**MAPPING, "time_zone": "../x"}}, ["mapping.time_zone"]),
        ({"file_id": FILE, "mapping": {**MAPPING, "currency": "euro"}}, ["mapping.currency"]),
        ({"file_id": FILE, "mapping": {**MAPPING, "encoding": None}}, ["mapping.encoding"]),
        ({"file_id": FILE, "mapping": {**MAPPING, "colour": "red"}}, ["mapping.colour"]),
        # As StartImport finds it.
        (
            {"file_id": FILE, "mapping": {**MAPPING, "fields": {"number": "n"}}},
            [
                "mapping.fields.issue_time",
                "mapping.fields.sku",
                "mapping.fields.quantity",
                "mapping.fields.unit_price",
            ],
        ),
    ],
)
def test_a_wrong_import_is_told_by_its_paths(payload: dict[str, Any], wrong: list[str]) -> None:
    assert fields(import_payload.check_payload(payload)) == wrong


@pytest.mark.parametrize(
    "payload",
    [
        {"start_date": "2021-01-01", "end_date": "2022-01-01"},
        {
            "start_date": "2021-01-01",
            "end_date": "2021-01-02",
            "time_zone": "Europe/Berlin",
            "currency": "EUR",
            "title": f"{'x' * 200}: sales",
        },
        *({"period": period} for period in LAST),
    ],
)
def test_a_workbook_has_two_dates_or_a_period(payload: dict[str, Any]) -> None:
    assert not workbook_payload.check_payload(payload)


@pytest.mark.parametrize(
    ("payload", "wrong"),
    [
        ({}, ["end_date", "start_date"]),
        ({"period": "last_century"}, ["period"]),
        ({"period": None}, ["period"]),
        ({"period": "last_day", "start_date": "2021-01-01"}, ["start_date"]),
        ({"start_date": "2021-02-30", "end_date": 5}, ["start_date", "end_date"]),
        ({"start_date": "20210101", "end_date": "2021-01-02"}, ["start_date"]),
        ({"start_date": "2021-01-02", "end_date": "2021-01-02"}, ["end_date"]),
        ({"start_date": "1021-01-02", "end_date": "2021-01-02"}, ["start_date", "end_date"]),
        ({"period": "last_day", "currency": "EURO"}, ["currency"]),
        ({"period": "last_day", "time_zone": 1}, ["time_zone"]),
        ({"period": "last_day", "title": "a\x00b"}, ["title"]),
    ],
)
def test_a_wrong_workbook_is_told_by_its_paths(payload: dict[str, Any], wrong: list[str]) -> None:
    assert fields(workbook_payload.check_payload(payload)) == wrong


@pytest.mark.parametrize(
    ("name", "today", "start", "end"),
    [
        ("last_day", date(2026, 3, 1), date(2026, 2, 28), date(2026, 3, 1)),
        # Weeks begin on Monday; 2026-03-02 is one.
        ("last_week", date(2026, 3, 2), date(2026, 2, 23), date(2026, 3, 2)),
        ("last_week", date(2026, 3, 8), date(2026, 2, 23), date(2026, 3, 2)),
        ("last_month", date(2026, 1, 31), date(2025, 12, 1), date(2026, 1, 1)),
        ("last_month", date(2026, 2, 1), date(2026, 1, 1), date(2026, 2, 1)),
    ],
)
def test_the_last_period_is_the_one_that_was_over_when_the_day_began(
    name: str, today: date, start: date, end: date
) -> None:
    assert last(LAST[name], today) == Period(start, end)
