"""Runs the node's own kinds as a caller submits them, with what is left open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.config import Settings
from core.context import Context
from core.documents.use_cases import workbook_kind
from core.files.use_cases import Files, files_use_cases
from core.jobs.job import JobState
from core.jobs.spec import JobSpec
from core.jobs.submit_batch import BatchOrder
from core.platform.local_storage import LocalStorage
from core.records.use_cases import import_kind
from core.result import Ok
from tests.conftest import Databases
from tests.import_runs import Importer
from tests.jobs_lab import Lab, open_lab, ticket

MAPPING = {
    "format": "CSV",
    "grouping": "ROW_IS_INVOICE",
    "fields": {name: name for name in ("number", "issue_time", "sku", "quantity", "unit_price")},
}
HEADER = "number,issue_time,sku,quantity,unit_price\n"


@pytest.fixture
def files(settings: Settings, databases: Databases, tmp_path: Path) -> Files:
    return files_use_cases(settings, databases.app, databases.system, LocalStorage(tmp_path))


@pytest.fixture
def lab(settings: Settings, databases: Databases, files: Files) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        for kind in (import_kind(files), workbook_kind(databases.app, files)):
            lab.kinds[kind.name] = kind
        yield lab


def run(lab: Lab, context: Context, job_id: str) -> JobState:
    found = lab.jobs.get(context, job_id)
    assert isinstance(found, Ok)
    lab.runner()(ticket(found.value))
    ended = lab.get(context, found.value)
    assert ended.state is JobState.SUCCEEDED, ended.error
    return ended.state


def test_a_workbook_follows_a_batch_of_imports_in_the_tenants_own_terms(
    lab: Lab, databases: Databases, acme: Context, tmp_path: Path
) -> None:
    lab.sql("UPDATE tenants SET time_zone = 'America/New_York' WHERE tenant_id = 'acme'")
    importer = Importer(databases, acme, LocalStorage(tmp_path))
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    imports = [
        JobSpec(
            "records.import",
            {
                "file_id": importer.upload_text(f"{HEADER}{name},2021-01-01 00:30,s,1,2.00\n"),
                "mapping": MAPPING,
            },
        )
        for name in ("a", "b")
    ]
    workbook = JobSpec("documents.workbook", {"period": "last_day"})

    submitted = lab.jobs.submit_batch(acme, BatchOrder(imports, workbook))

    assert isinstance(submitted, Ok)
    for job_id in submitted.value.job_ids:
        run(lab, acme, job_id)
    # What the payload left open is the tenant's: half past midnight in New York, in dollars.
    rows = lab.database.read(
        acme, "SELECT issued_at, currency FROM invoices WHERE tenant_id = 'acme'", {}
    )
    assert {row["currency"] for row in rows} == {"USD"}
    assert {row["issued_at"] for row in rows} == {datetime(2021, 1, 1, 5, 30, tzinfo=UTC)}
    assert len(rows) == 2
    callback = submitted.value.batch.callback_job_id
    assert callback is not None
    run(lab, acme, callback)
    found = lab.sql("SELECT filename FROM files WHERE kind = 'workbook'")
    names = {f"sales-{day}-{day}.xlsx" for day in (yesterday, yesterday - timedelta(days=1))}
    assert found[0]["filename"] in names
