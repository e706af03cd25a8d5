"""Proves that a workbook is ordered with the tenant's own values, and comes out of its job."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from core.analytics.kpis import Period
from core.config import Settings
from core.context import Context
from core.documents.start_workbook import KIND, WorkbookOrder
from core.documents.use_cases import Documents, documents_use_cases, workbook_kind
from core.files.download_file import FileRange
from core.files.use_cases import Files, files_use_cases
from core.jobs.job import Job, JobState
from core.platform.local_storage import LocalStorage
from core.reasons import Reason
from core.result import Err, Ok
from tests.conftest import Databases
from tests.jobs_lab import Lab, open_lab, ticket
from tests.sales import Sale, store_sales

PERIOD = Period(date(2024, 1, 1), date(2024, 2, 1))


@pytest.fixture
def files(settings: Settings, databases: Databases) -> Files:
    storage = LocalStorage(settings.data_dir / "files")
    return files_use_cases(settings, databases.app, databases.system, storage)


@pytest.fixture
def lab(settings: Settings, databases: Databases, files: Files) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        lab.kinds[KIND] = workbook_kind(databases.app, files)
        yield lab


@pytest.fixture
def documents(databases: Databases, lab: Lab) -> Documents:
    return documents_use_cases(databases.app, lab.jobs.submit)


def started(documents: Documents, context: Context, order: WorkbookOrder) -> Job:
    found = documents.start_workbook(context, order)
    assert isinstance(found, Ok), found
    return found.value


def test_an_order_takes_what_it_leaves_open_from_the_tenant(
    documents: Documents, acme: Context, globex: Context
) -> None:
    assert started(documents, acme, WorkbookOrder(PERIOD)).payload == {
        "start_date": "2024-01-01",
        "end_date": "2024-02-01",
        "time_zone": "UTC",
        "currency": "USD",
        "title": "Acme: sales",
    }
    named = started(documents, globex, WorkbookOrder(PERIOD, "EUR", "January"))
    assert (named.payload["currency"], named.payload["title"]) == ("EUR", "January")


@pytest.mark.parametrize(
    "period",
    [
        Period(date(2024, 1, 1), date(2024, 1, 1)),
        Period(date(2024, 2, 1), date(2024, 1, 1)),
        Period(date(2000, 1, 1), date(2024, 1, 1)),
        Period(date(1, 1, 1), date(1, 1, 2)),
        Period(date(9999, 1, 1), date(9999, 12, 31)),
    ],
)
def test_a_period_that_kpis_refuse_is_refused(
    documents: Documents, lab: Lab, acme: Context, period: Period
) -> None:
    refused = documents.start_workbook(acme, WorkbookOrder(period))
    assert isinstance(refused, Err)
    assert refused.failure.reason is Reason.FIELDS_INVALID
    assert refused.failure.fields
    assert lab.sql("SELECT 1 FROM jobs") == []


def test_the_job_ends_with_a_file_that_can_be_downloaded(
    documents: Documents,
    lab: Lab,
    files: Files,
    databases: Databases,
    acme: Context,
) -> None:
    store_sales(databases.urls, "acme", [Sale("1", datetime(2024, 1, 5, tzinfo=UTC), 12_34)])
    job = started(documents, acme, WorkbookOrder(PERIOD))
    lab.runner()(ticket(job))
    ended = lab.get(acme, job)
    assert ended.state is JobState.SUCCEEDED, ended.error
    result: Any = ended.result
    assert (result["tabs"], result["rows"]) == (50, 1)
    assert ended.file_id == result["file_id"]
    found = files.get(acme, result["file_id"])
    assert isinstance(found, Ok)
    assert found.value.filename == "sales-2024-01-01-2024-01-31.xlsx"
    assert (found.value.size_bytes, found.value.sha256) == (
        result["size_bytes"],
        result["sha256"],
    )
    parts = files.download(acme, FileRange(result["file_id"]))
    assert isinstance(parts, Ok)
    assert b"".join(part.data for part in parts.value)[:4] == b"PK\x03\x04"
