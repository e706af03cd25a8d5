from __future__ import annotations

import dataclasses
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from core.context import Context
from core.jobs.kind import Done, JobStoppedError
from core.platform.local_storage import LocalStorage
from core.reasons import Reason
from core.records import import_chunk, import_rejections, invoice_reads
from core.records.import_mapping import ImportFormat, ImportGrouping, ImportMapping
from core.records.import_rows import Rejection
from core.records.invoice import Invoice
from core.records.upsert_invoices import UpsertInvoices
from core.result import Ok
from tests.conftest import Databases
from tests.import_runs import Importer

MAPPING = ImportMapping(
    format=ImportFormat.CSV,
    grouping=ImportGrouping.ROWS_SHARE_NUMBER,
    fields={
        name: name
        for name in (
            "number",
            "customer_external_id",
            "issue_time",
            "sku",
            "quantity",
            "unit_price",
        )
    },
)
HEADER = "number,customer_external_id,issue_time,sku,quantity,unit_price\n"


@pytest.fixture
def importer(databases: Databases, acme: Context, tmp_path: Path) -> Importer:
    return Importer(databases, acme, LocalStorage(tmp_path))


def row(number: str, sku: str = "X", customer: str = "7", quantity: int = 1) -> str:
    return f"{number},{customer},2021-01-01,{sku},{quantity},1.00\n"


def invoices(importer: Importer) -> dict[str, Invoice]:
    found, cut = invoice_reads.read_after(
        importer.databases.app,
        importer.context,
        customer_external_id="",
        after="",
        limit=100_000,
        most_lines=1_000_000,
    )
    assert not cut
    return {invoice.number: invoice for invoice in found}


def contents(importer: Importer) -> dict[str, Any]:
    """Returns all that is stored, but the times of storing."""
    return {
        number: dataclasses.replace(invoice, created_at=None, updated_at=None)
        for number, invoice in invoices(importer).items()
    }


def skus(importer: Importer) -> dict[str, list[str]]:
    return {
        number: [line.sku for line in invoice.lines]
        for number, invoice in invoices(importer).items()
    }


def counts(outcome: Done) -> tuple[int, int, int, int]:
    result = outcome.result
    return (
        result["rows_in"],
        result["rows_stored"],
        result["rows_rejected"],
        result["invoices"],
    )


def test_rows_of_one_number_are_one_invoice(importer: Importer) -> None:
    outcome = importer.import_text(HEADER + row("1", "A") + row("1", "B") + row("2"), MAPPING)
    assert counts(outcome) == (3, 3, 0, 2)
    assert skus(importer) == {"1": ["A", "B"], "2": ["X"]}
    assert invoices(importer)["1"].total_minor == 200


def test_a_number_that_comes_back_later_extends_its_invoice(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_chunk, "CHUNK_ROWS", 2)
    text = HEADER + row("1", "A") + row("2") + row("3") + row("1", "B") + row("2", "Y") + row("4")
    outcome = importer.import_text(text, MAPPING)
    assert counts(outcome) == (6, 6, 0, 4)
    assert skus(importer) == {"1": ["A", "B"], "2": ["X", "Y"], "3": ["X"], "4": ["X"]}
    assert invoices(importer)["1"].units == 2
    before = contents(importer)
    assert counts(importer.import_text(text, MAPPING)) == (6, 6, 0, 4)
    assert contents(importer) == before


def test_importing_other_rows_of_a_number_replaces_its_invoice(importer: Importer) -> None:
    importer.import_text(HEADER + row("1", "A") + row("1", "B"), MAPPING)
    importer.import_text(HEADER + row("1", "C"), MAPPING)
    assert skus(importer) == {"1": ["C"]}


def test_an_invoice_changed_after_an_import_is_replaced_by_the_next(importer: Importer) -> None:
    text = HEADER + row("1", "A") + row("1", "B")
    importer.import_text(text, MAPPING)
    before = contents(importer)
    changed = dataclasses.replace(before["1"], lines=before["1"].lines[:1])
    stored = UpsertInvoices(importer.databases.app)(importer.context, [changed])
    assert isinstance(stored, Ok)
    assert skus(importer) == {"1": ["A"]}
    importer.import_text(text, MAPPING)
    assert contents(importer) == before


def test_a_run_of_one_number_stays_in_one_chunk(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_chunk, "CHUNK_ROWS", 2)
    monkeypatch.setattr(import_chunk, "LONGEST_CHUNK_ROWS", 6)
    saved: list[int] = []
    text = HEADER + row("1") + row("2") * 4 + row("3") * 9
    job_id = importer.submit(importer.upload_text(text), MAPPING)
    with importer.attempt(job_id, lambda checkpoint: saved.append(checkpoint["rows_in"])) as run:
        outcome = importer.run(run)
    assert saved == [5, 11, 14]
    assert isinstance(outcome, Done)
    assert counts(outcome) == (14, 14, 0, 3)
    assert len(invoices(importer)["3"].lines) == 9


def test_bad_rows_go_to_the_error_file_and_stop_nothing(importer: Importer) -> None:
    text = HEADER + row("1", "A") + row("1", "B", quantity=0) + "2,oops\n" + row("3")
    outcome = importer.import_text(text, MAPPING)
    assert counts(outcome) == (4, 2, 2, 2)
    assert outcome.result["error_file_id"] == outcome.file_id
    assert importer.rejected(outcome) == [
        ["2", "quantity", "quantity is not above 0 on a sale.", row("1", "B", quantity=0).strip()],
        ["3", "", "The row has 2 columns and not 6.", "2,oops"],
    ]
    assert skus(importer) == {"1": ["A"], "3": ["X"]}
    left = importer.databases.app.read(importer.context, "SELECT * FROM import_rejections", {})
    assert left == []


def test_rows_that_belong_to_two_customers_are_no_invoice(importer: Importer) -> None:
    text = HEADER + row("1", customer="7") + row("1", customer="8") + row("1", customer="")
    outcome = importer.import_text(text, MAPPING)
    assert counts(outcome) == (3, 2, 1, 1)
    assert importer.rejected(outcome)[0][:3] == [
        "2",
        "customer_external_id",
        "customer_external_id is another than in the invoice's first row.",
    ]


def test_where_each_row_is_an_invoice_a_number_comes_once(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_chunk, "CHUNK_ROWS", 2)
    mapping = dataclasses.replace(MAPPING, grouping=ImportGrouping.ROW_IS_INVOICE)
    text = HEADER + row("1", "A") + row("1", "B") + row("2") + row("1", "C")
    for _ in range(2):
        outcome = importer.import_text(text, mapping)
        assert counts(outcome) == (4, 2, 2, 2)
        assert skus(importer) == {"1": ["A"], "2": ["X"]}


def test_unknown_customers_and_products_are_created(importer: Importer) -> None:
    mapping = dataclasses.replace(
        MAPPING, fields={**MAPPING.fields, "country": "country", "description": "description"}
    )
    header = HEADER.strip() + ",country,description\n"
    importer.import_text(header + row("1", "A").strip() + ",DE,A thing\n", mapping)
    read = importer.databases.app.read
    customers = read(importer.context, "SELECT external_id, country FROM customers", {})
    products = read(importer.context, "SELECT sku, name FROM products", {})
    assert customers == [{"external_id": "7", "country": "DE"}]
    assert products == [{"sku": "A", "name": "A thing"}]


class Killed(BaseException):
    """Stands for a worker that dies."""


@pytest.mark.parametrize(("chunks_before", "rows_before"), [(0, 0), (1, 2), (2, 5)])
def test_a_killed_import_goes_on_at_the_last_chunk(
    importer: Importer, monkeypatch: pytest.MonkeyPatch, chunks_before: int, rows_before: int
) -> None:
    monkeypatch.setattr(import_chunk, "CHUNK_ROWS", 2)
    text = HEADER + "".join(
        row("1", "A") + row("1", "B", quantity=0) + row(str(n)) for n in range(2, 9)
    )
    saves = 0

    def die(_checkpoint: Mapping[str, Any]) -> None:
        nonlocal saves
        saves += 1
        if saves > chunks_before:
            raise Killed

    job_id = importer.submit(importer.upload_text(text), MAPPING)
    with importer.attempt(job_id, die) as run, pytest.raises(Killed):
        importer.run(run)
    with importer.attempt(job_id) as run:
        assert (run.checkpoint or {}).get("rows_in", 0) == rows_before
        outcome = importer.run(run)
    assert isinstance(outcome, Done)
    assert counts(outcome) == (21, 14, 7, 8)
    assert len(importer.rejected(outcome)) == 7
    assert skus(importer)["1"] == ["A"] * 7


def test_an_attempt_that_lost_its_lease_stores_nothing(importer: Importer) -> None:
    def lose(_checkpoint: Mapping[str, Any]) -> None:
        raise JobStoppedError

    job_id = importer.submit(importer.upload_text(HEADER + row("1")), MAPPING)
    with importer.attempt(job_id, lose) as run, pytest.raises(JobStoppedError):
        importer.run(run)
    assert invoices(importer) == {}


def test_a_file_without_a_mapped_column_is_refused(importer: Importer) -> None:
    failure = importer.refusal(b"number,sku,sku\n1,2,3\n", MAPPING)
    assert failure.reason is Reason.IMPORT_MAPPING_INVALID
    faults = {fault.field: fault.description for fault in failure.fields}
    assert faults["mapping.fields.quantity"] == "is no column of the file: quantity"
    assert faults["mapping.fields.sku"] == "is more than one column of the file: sku"


def test_a_damaged_file_is_refused_and_what_came_before_stays(importer: Importer) -> None:
    rows = "".join(row(str(n)) for n in range(30_000))
    failure = importer.refusal(gzip.compress((HEADER + rows).encode())[:-100], MAPPING)
    assert failure.reason is Reason.IMPORT_FILE_UNREADABLE
    assert len(invoices(importer)) >= 20_000


def test_progress_is_told_in_bytes_of_the_file(importer: Importer) -> None:
    importer.import_text(HEADER + row("1"), MAPPING)
    size = len(HEADER + row("1"))
    assert importer.runs[-1].told == [("bytes", size, size, "1 rows read, 0 of them rejected")]


def test_a_job_that_is_deleted_takes_its_rejected_rows_with_it(importer: Importer) -> None:
    job_id = importer.submit(importer.upload_text(HEADER), MAPPING)
    rejection = Rejection(1, "quantity", "is none", "1,2")
    with importer.databases.app.begin(importer.context) as unit:
        import_rejections.add(unit, job_id, [rejection])
        unit.commit(None)
    with importer.databases.system.begin() as transaction:
        transaction.execute("DELETE FROM jobs")
    assert importer.databases.app.read(importer.context, "SELECT FROM import_rejections", {}) == []
