"""Proves that the workbook is right to the cent, well made, and opens without a word."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from core.documents.build_workbook import BuildWorkbook
from core.documents.sales import SalesPeriod
from core.documents.store import SalesReader
from core.documents.workbook.plan import FIXED
from core.documents.workbook.write import Progress, write_workbook
from core.files.keep import FileKeeper
from core.jobs.kind import JobStoppedError
from core.platform.database import Database
from core.platform.local_storage import LocalStorage
from core.platform.postgres import open_engine
from core.platform.system_database import SystemDatabase
from tests.conftest import Databases, Postgres, context_of
from tests.import_runs import Run
from tests.sales import Sale, store_sales
from tests.workbooks import build, convert, payload

HOSTILE = (
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "<r>bold</r>",
    "<t>&amp;\"'</t>",
    "_x0041_",
    "bell \x07 and \ufffe",
    " blanks ",
    "東京 🚚 مرحبا",
    "http://example.com/",
    "12345",
)
KEYS = (
    "a/b:c*d?[e]\\f",
    "'quoted'",
    "x" * 40 + "1",
    "x" * 40 + "2",
    "ABC",
    "abc",
    "Overview",
    "history",
    "Months",
    "🚚" * 20,
    "=A1",
    "it's",
)
START = datetime(2024, 1, 30, 22, 30, tzinfo=UTC)  # in New York still in the afternoon


def odd_sales() -> Iterator[Sale]:
    """Yields sales with every kind of name, place and state there can be."""
    for number, (key, name) in enumerate(zip(KEYS, HOSTILE, strict=True)):
        for turn in range(3):
            yield Sale(
                number=f"{'=' if turn else '-'}{number}/{turn}",
                issued_at=START + timedelta(days=number * turn, hours=turn * 7),
                total_minor=10_01 * (number + 1) + turn,
                customer=key,
                name=name,
                country=KEYS[number // 2],
                sku=key,
                product=name,
                units=turn + 1,
                kind="CREDIT_NOTE" if turn == 2 and number % 2 else "SALE",
                status="OPEN" if turn else "PAID",
            )
    for state, currency in (("DRAFT", "USD"), ("VOID", "USD"), ("PAID", "EUR")):
        yield Sale(f"{state}-{currency}", START, 99_99, status=state, currency=currency)
    yield Sale("nobody", START, 5_00)
    yield Sale(
        "before", START - timedelta(days=20), 7_00, customer="ABC", sku="ABC", name=HOSTILE[4]
    )
    yield Sale(
        "after", START + timedelta(days=90), 7_00, customer="ABC", sku="ABC", name=HOSTILE[4]
    )


@dataclass(frozen=True)
class Books:
    """Is a database with sales, and the workbook over them, opened for formulas and for values."""

    databases: Databases
    path: Path
    result: Any
    told: list[tuple[str, int, int, str]]
    formulas: Any
    values: Any


@pytest.fixture(scope="module")
def sales(postgres: Postgres) -> Iterator[Databases]:
    urls = postgres.create()
    app = Database(open_engine(urls.app, pool_size=4, connect_timeout_seconds=3))
    system = SystemDatabase(open_engine(urls.system, pool_size=1, connect_timeout_seconds=3))
    store_sales(urls, "acme", odd_sales())
    store_sales(urls, "globex", [Sale("CDNOW-1", START, 1_00, customer="ABC")])
    yield Databases(app, system, urls)
    app.dispose()
    system.dispose()
    postgres.drop(urls)


@pytest.fixture(scope="module")
def books(sales: Databases, tmp_path_factory: pytest.TempPathFactory) -> Books:
    directory = tmp_path_factory.mktemp("odd")
    order = payload("2024-01-15", "2024-04-01", time_zone="America/New_York", title="=Odd <r>")
    done, path, run = build(sales, context_of("acme"), order, directory)
    return Books(
        sales,
        path,
        done.result,
        run.told,
        openpyxl.load_workbook(path),
        openpyxl.load_workbook(path, data_only=True),
    )


def rows_of(sheet: Worksheet) -> list[tuple[Any, ...]]:
    """Returns the rows under the header; it is the fifth row of every tab with a table."""
    return [row for row in sheet.iter_rows(min_row=6, values_only=True) if row[1] is not None]


def period_tabs(book: Any) -> list[Worksheet]:
    return [book[name] for name in book.sheetnames if name[:4].isdigit()]


def counted(databases: Databases, expression: str) -> Any:
    with psycopg.connect(databases.urls.admin) as connection:
        row = connection.execute(
            f"SELECT {expression} FROM invoices WHERE tenant_id = 'acme' AND currency = 'USD'"
            " AND status IN ('OPEN', 'PAID')"
            " AND issued_at >= '2024-01-15 00:00 America/New_York'"
            " AND issued_at < '2024-04-01 00:00 America/New_York'"
        ).fetchone()
    assert row is not None
    return row[0]


SALES = "coalesce(sum(total_minor) FILTER (WHERE kind = 'SALE'), 0)::bigint"
REFUNDS = "coalesce(sum(total_minor) FILTER (WHERE kind = 'CREDIT_NOTE'), 0)::bigint"


def test_there_are_fifty_tabs_and_the_result_says_what_is_in_the_file(books: Books) -> None:
    assert len(books.formulas.sheetnames) == 50
    assert tuple(books.formulas.sheetnames[: len(FIXED)]) == FIXED
    assert books.result == {
        "file_id": books.path.stem,
        "tabs": 50,
        "rows": counted(books.databases, "count(*)"),
        "sha256": hashlib.sha256(books.path.read_bytes()).hexdigest(),
        "size_bytes": books.path.stat().st_size,
    }


def test_progress_is_told_tab_by_tab(books: Books) -> None:
    assert [(phase, done, total) for phase, done, total, _ in books.told] == [
        ("tabs", done, 50) for done in range(1, 51)
    ]


def test_the_overview_has_the_figures_of_postgres_as_formulas(books: Books) -> None:
    formulas, values = books.formulas["Overview"], books.values["Overview"]
    found = {row[0]: row[1] for row in values.iter_rows(5, 17, values_only=True)}
    gross, refunds = counted(books.databases, SALES) / 100, counted(books.databases, REFUNDS) / 100
    assert found["Gross revenue"] == gross
    assert found["Refunds"] == refunds > 0
    assert found["Net revenue"] == pytest.approx(gross - refunds)
    assert found["Orders"] == counted(books.databases, "count(*) FILTER (WHERE kind = 'SALE')")
    assert found["Average order value"] == pytest.approx(gross / found["Orders"])
    assert found["Customers"] == 12
    # One of them, ABC, had bought before the period.
    assert (found["New customers"], found["Returning customers"]) == (11, 1)
    assert formulas["B5"].value == "=Months!$B$4"
    assert formulas["B7"].value == "=B5-B6"
    assert values["C5"].value == 7.00
    assert values["A1"].value == "=Odd <r>"
    assert "15 January 2024 to 31 March 2024 (America/New_York)" in values["A2"].value


def test_every_invoice_is_on_exactly_one_tab_of_a_period_with_its_local_time(books: Books) -> None:
    with psycopg.connect(books.databases.urls.admin) as connection:
        expected = connection.execute(
            "SELECT number, issued_at AT TIME ZONE 'America/New_York',"
            " customer_external_id, total_minor, kind FROM invoices WHERE tenant_id = 'acme'"
            " AND currency = 'USD' AND status IN ('OPEN', 'PAID')"
            " AND issued_at BETWEEN '2024-01-16' AND '2024-04-01' ORDER BY issued_at, number"
        ).fetchall()
    listed = [row for sheet in period_tabs(books.values) for row in rows_of(sheet)]
    assert [sheet.title for sheet in period_tabs(books.values)] == ["2024-01", "2024-02", "2024-03"]
    found = [
        (
            *row[:3],
            round((row[8] if row[5] == "Sale" else row[9]) * 100),
            "SALE" if row[5] == "Sale" else "CREDIT_NOTE",
        )
        for row in listed
    ]
    assert found == expected


def test_names_stay_the_texts_they_are(books: Books) -> None:
    assert {row[1] for row in rows_of(books.values["Customers"])} == set(KEYS)
    ours = re.compile(r"=((SUBTOTAL|IF|SUM)\(|[A-Z]+\d+-[A-Z]+\d+$|Months!\$[A-Z]\$4$)")
    for sheet in books.formulas:
        for cell in (cell for row in sheet.iter_rows() for cell in row):
            if cell.data_type == "f":
                assert ours.match(cell.value), (sheet.title, cell.coordinate, cell.value)
    invoices = [row for sheet in period_tabs(books.formulas) for row in sheet.iter_rows(min_row=6)]
    first = {row[0].value: row[0] for row in invoices}
    assert first["=0/1"].data_type == first["-0/0"].data_type == "s"
    assert first["=0/1"].quotePrefix


def test_customers_are_ranked_with_their_share_of_all_sales(books: Books) -> None:
    sheet = books.values["Customers"]
    rows = rows_of(sheet)
    assert [row[0] for row in rows] == list(range(1, 13))
    assert [row[6] for row in rows] == sorted((row[6] for row in rows), reverse=True)
    assert sheet["G4"].value == pytest.approx(sum(row[6] for row in rows))
    gross = books.values["Months"]["B4"].value
    assert rows[0][7] == pytest.approx(rows[0][6] / gross)
    names = {row[1]: row[2] for row in rows}
    for key, name in zip(KEYS, HOSTILE, strict=True):
        escaped = name.replace("\ufffe", "_xFFFE_").replace("\x07", "_x0007_")
        assert names[key] in {name, f"{name} ", escaped, "_x005F_x0041_"}, key


def test_tabs_are_made_to_be_read(books: Books) -> None:
    for sheet in books.formulas:
        if sheet.title.startswith("No. "):
            continue
        assert sheet.freeze_panes in {"B6", "B5"}, sheet.title
        if sheet.title != "Overview":
            assert sheet.auto_filter.ref.startswith("A5:"), sheet.title
            assert sheet["A4"].value == "Total"
            assert any(str(cell.value).startswith("=SUBTOTAL(109,") for cell in sheet[4])
        assert sheet["A1"].font.b
        assert all(sheet.column_dimensions[letter].width > 5 for letter in "AB")
    month = books.formulas["2024-01"]
    assert month["B6"].number_format == "yyyy-mm-dd hh:mm"
    assert month["I6"].number_format == "#,##0.00"
    assert books.formulas["Months"]["A6"].number_format == "mmm yyyy"
    assert books.formulas["Cohorts"].conditional_formatting


def test_there_are_charts_with_titles_and_axes(books: Books) -> None:
    with_charts = [sheet for sheet in books.formulas if sheet._charts]
    assert len(books.formulas["Overview"]._charts) == 4
    assert len(books.formulas["Months"]._charts) == 2
    assert len(with_charts) > 40
    for sheet in with_charts:
        for chart in sheet._charts:
            assert chart.title is not None
            assert chart.y_axis.title is not None or chart.x_axis.title is not None


def test_a_month_without_sales_is_a_tab_that_says_so(sales: Databases, tmp_path: Path) -> None:
    _, path, _ = build(
        sales, context_of("acme"), payload("2030-01-15", "2030-03-01", "JPY"), tmp_path
    )
    book = openpyxl.load_workbook(path, data_only=True)
    assert len(book.sheetnames) == 50
    assert book["2030-02"]["A6"].value == "No sales."
    assert book["Customers"]["A6"].value.startswith("No sales with a known customer")
    assert book["Overview"]["B5"].value == 0
    assert book["No. 1"]["A4"].value == "No sales."
    assert convert(path, "pdf", tmp_path).stat().st_size > 10_000


def test_the_same_sales_make_the_same_file(books: Books, sales: Databases, tmp_path: Path) -> None:
    order = payload("2024-01-15", "2024-04-01", time_zone="America/New_York", title="=Odd <r>")
    _, path, _ = build(sales, context_of("acme"), order, tmp_path)
    assert path.read_bytes() == books.path.read_bytes()


def test_another_tenants_sales_are_not_in_it(books: Books) -> None:
    with zipfile.ZipFile(books.path) as parts:
        text = b"".join(parts.read(name) for name in parts.namelist())
    assert b"CDNOW" not in text


def test_rows_past_the_end_of_a_tab_go_on_in_the_next(sales: Databases, tmp_path: Path) -> None:
    period = SalesPeriod(date(2024, 1, 15), date(2024, 3, 15), "UTC", "USD")
    with sales.app.begin(context_of("acme"), snapshot=True) as unit:
        written = write_workbook(
            tmp_path / "parts.xlsx",
            tmp_path,
            "Parts",
            SalesReader(unit, period),
            Progress(lambda: None, lambda _done, _name: None),
            rows_per_tab=10,
        )
    book = openpyxl.load_workbook(tmp_path / "parts.xlsx", data_only=True)
    parts = [sheet for sheet in period_tabs(book) if sheet.title.startswith("2024-01")]
    assert "continues on the next tab" in parts[0]["A2"].value
    assert "continues" not in parts[-1]["A2"].value
    assert [len(rows_of(sheet)) for sheet in parts][:-1] == [10] * (len(parts) - 1)
    assert sum(len(rows_of(sheet)) for sheet in period_tabs(book)) == written.rows
    total = sum(sheet["I4"].value - sheet["J4"].value for sheet in period_tabs(book))
    assert total == pytest.approx(book["Months"]["D4"].value)
    assert len(book.sheetnames) == 50


def test_a_stopped_attempt_leaves_no_file(sales: Databases, tmp_path: Path) -> None:
    class Stopped(Run):
        def proceed(self) -> None:
            if len(self.told) == 20:
                raise JobStoppedError

    directory = tmp_path / "attempt"
    directory.mkdir()
    order = payload("2024-01-15", "2024-04-01")
    run = Stopped(sales, context_of("acme"), "job", order, None, directory)
    keeper = FileKeeper(LocalStorage(tmp_path / "files"), timedelta(hours=1))
    with pytest.raises(JobStoppedError):
        BuildWorkbook(sales.app, keeper)(run)
    assert not (tmp_path / "files").exists()


def test_libreoffice_computes_the_same_values(books: Books, tmp_path: Path) -> None:
    recomputed = openpyxl.load_workbook(convert(books.path, "xlsx", tmp_path), data_only=True)
    assert recomputed.sheetnames == books.values.sheetnames
    compared = 0
    for sheet in books.formulas:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type != "f":
                    continue
                written = books.values[sheet.title][cell.coordinate].value
                found = recomputed[sheet.title][cell.coordinate].value
                where = f"{sheet.title}!{cell.coordinate}: {cell.value}"
                if isinstance(written, int | float):
                    assert found == pytest.approx(written, abs=1e-9), where
                else:
                    assert (found or "") == (written or ""), where
                compared += 1
    assert compared > 300
