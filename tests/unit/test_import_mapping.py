from __future__ import annotations

import dataclasses

import pytest

from core.reasons import Reason
from core.records.import_mapping import ImportFormat, ImportGrouping, ImportMapping, check

GOOD = ImportMapping(
    format=ImportFormat.CSV,
    grouping=ImportGrouping.ROWS_SHARE_NUMBER,
    fields={
        "number": "no",
        "issue_time": "when",
        "sku": "what",
        "quantity": "count",
        "unit_price": "price",
    },
    time_zone="Europe/Berlin",
    currency="EUR",
)


def without(*names: str) -> dict[str, str]:
    return {name: column for name, column in GOOD.fields.items() if name not in names}


def test_a_mapping_that_fills_what_an_invoice_needs_is_good() -> None:
    assert check(GOOD) is None
    assert check(dataclasses.replace(GOOD, columns=tuple(GOOD.fields.values()))) is None
    assert check(dataclasses.replace(GOOD, date_format="%d.%m.%y %H:%M")) is None
    constants = {"sku": "CD", "number": "N-{row}"}
    assert check(dataclasses.replace(GOOD, fields=without(*constants), constants=constants)) is None


def test_a_mapping_goes_through_json_unchanged() -> None:
    assert ImportMapping.from_json(GOOD.to_json()) == GOOD


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"fields": without("number")}, "mapping.fields.number"),
        ({"fields": without("unit_price")}, "mapping.fields.unit_price"),
        ({"fields": {**GOOD.fields, "colour": "c"}}, "mapping.fields.colour"),
        ({"constants": {"sku": "CD"}}, "mapping.constants.sku"),
        (
            {"fields": without("number"), "constants": {"number": "all the same"}},
            "mapping.constants.number",
        ),
        ({"columns": ("no", "when", "what", "count")}, "mapping.fields.unit_price"),
        ({"columns": ("no", "no")}, "mapping.columns"),
        ({"format": ImportFormat.NDJSON, "columns": ("no",)}, "mapping.columns"),
        ({"date_format": "%d/%m"}, "mapping.date_format"),
        ({"date_format": "%c"}, "mapping.date_format"),
        ({"date_format": "%"}, "mapping.date_format"),
        ({"date_format": "plain"}, "mapping.date_format"),
        ({"time_zone": "Mars/Olympus"}, "mapping.time_zone"),
        ({"time_zone": "../../etc/passwd"}, "mapping.time_zone"),
        ({"time_zone": "Europe"}, "mapping.time_zone"),
        ({"encoding": "ebcdic"}, "mapping.encoding"),
        ({"currency": "euro"}, "mapping.currency"),
        ({"constants": {"country": "\x00"}}, "mapping"),
    ],
)
def test_a_mapping_that_makes_no_invoices_says_why(change: dict[str, object], field: str) -> None:
    failure = check(dataclasses.replace(GOOD, **change))  # type: ignore[arg-type]
    assert failure is not None
    assert failure.reason is Reason.IMPORT_MAPPING_INVALID
    assert field in {fault.field for fault in failure.fields}
    assert field in failure.metadata["fields"]
