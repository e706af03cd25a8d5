from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.context import Context
from core.files import store as file_store
from core.files.file import File, FileState
from core.jobs.job import Job, JobState
from core.platform.local_storage import LocalStorage
from core.platform.unit_of_work import UnitOfWork
from core.reasons import Reason
from core.records.import_mapping import ImportMapping
from core.records.start_import import ImportOrder, StartImport
from core.result import Err, Ok
from tests.conftest import Databases
from tests.import_runs import Importer, sample_mapping

MAPPING = dataclasses.replace(sample_mapping("online_retail"), time_zone="", currency="")


@pytest.fixture
def importer(databases: Databases, acme: Context, tmp_path: Path) -> Importer:
    return Importer(databases, acme, LocalStorage(tmp_path))


def start(databases: Databases, orders: list[Mapping[str, Any]]) -> StartImport:
    def submit(unit: UnitOfWork, *, kind: str, payload: Mapping[str, Any]) -> Job:
        orders.append(payload)
        now = datetime.now(UTC)
        return Job(
            tenant_id=unit.context.tenant_id,
            job_id=str(uuid.uuid4()),
            kind=kind,
            queue="default",
            state=JobState.QUEUED,
            payload=payload,
            attempt=0,
            max_attempts=5,
            crash_count=0,
            epoch=0,
            sequence=1,
            key_id=unit.context.principal.key_id,
            roles=unit.context.principal.roles,
            correlation_id=unit.context.correlation_id,
            created_at=now,
            run_at=now,
        )

    return StartImport(databases.app, file_store.lock, submit)


def test_an_import_starts_with_the_zone_and_currency_of_the_tenant(importer: Importer) -> None:
    orders: list[Mapping[str, Any]] = []
    file_id = importer.upload_text("a,b\n")
    started = start(importer.databases, orders)(importer.context, ImportOrder(file_id, MAPPING))
    assert isinstance(started, Ok)
    assert started.value.kind == "records.import"
    settled = dataclasses.replace(MAPPING, time_zone="UTC", currency="USD")
    assert orders[0]["file_id"] == file_id
    assert ImportMapping.from_json(orders[0]["mapping"]) == settled


def refusal(importer: Importer, context: Context, order: ImportOrder) -> Reason:
    orders: list[Mapping[str, Any]] = []
    refused = start(importer.databases, orders)(context, order)
    assert isinstance(refused, Err)
    assert not orders
    return refused.failure.reason


def test_a_file_that_is_not_there_is_refused(importer: Importer, globex: Context) -> None:
    order = ImportOrder(str(uuid.uuid4()), MAPPING)
    assert refusal(importer, importer.context, order) is Reason.RESOURCE_NOT_FOUND
    of_acme = ImportOrder(importer.upload_text("a,b\n"), MAPPING)
    assert refusal(importer, globex, of_acme) is Reason.RESOURCE_NOT_FOUND


def test_a_file_that_is_still_uploaded_is_refused(importer: Importer) -> None:
    file_id = importer.upload_text("a,b\n")
    with importer.databases.app.begin(importer.context) as unit:
        file = file_store.lock(unit, file_id)
        assert isinstance(file, File)
        file_store.update(unit, dataclasses.replace(file, state=FileState.UPLOADING))
        unit.commit(None)
    order = ImportOrder(file_id, MAPPING)
    assert refusal(importer, importer.context, order) is Reason.FILE_NOT_READY


def test_a_mapping_that_makes_no_invoices_is_refused(importer: Importer) -> None:
    order = ImportOrder(importer.upload_text("a,b\n"), dataclasses.replace(MAPPING, fields={}))
    assert refusal(importer, importer.context, order) is Reason.IMPORT_MAPPING_INVALID
