"""Runs imports in a test as a worker would, without one."""

from __future__ import annotations

import csv
import dataclasses
import json
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

from google.protobuf import json_format

from core.context import Context
from core.failures import Failure
from core.files import store as file_store
from core.files.keep import FileKeeper
from core.files.open_file import OpenFile
from core.jobs.kind import Done, Outcome, Refused
from core.platform.local_storage import LocalStorage
from core.platform.unit_of_work import UnitOfWork
from core.records.import_mapping import ImportMapping
from core.records.import_records import ImportRecords
from howdah.records.v1 import records_pb2 as pb
from server.codec import records as codec
from tests.conftest import Databases

OnSave: TypeAlias = Callable[[Mapping[str, Any]], None]
SAMPLES = Path(__file__).parent.parent / "samples"


def sample_mapping(name: str) -> ImportMapping:
    """Returns the mapping that ships with a sample."""
    text = (SAMPLES / f"{name}.mapping.json").read_text("utf-8")
    message = json_format.Parse(text, pb.ImportMapping())
    order = codec.import_order(pb.StartImportRequest(file_id=str(uuid.uuid4()), mapping=message))
    return order.mapping


@dataclass
class Run:
    """Is one attempt of a job; `on_save` lets a test end it there."""

    databases: Databases
    context: Context
    job_id: str
    payload: Mapping[str, Any]
    checkpoint: Mapping[str, Any] | None
    directory: Path
    on_save: OnSave | None = None
    previous: None = None
    told: list[tuple[str, int, int, str]] = field(default_factory=list)

    def begin(self) -> UnitOfWork:
        return self.databases.app.begin(self.context)

    def save(self, unit: UnitOfWork, checkpoint: Mapping[str, Any]) -> None:
        unit.execute(
            "UPDATE jobs SET checkpoint = CAST(:checkpoint AS jsonb)"
            " WHERE tenant_id = :tenant_id AND job_id = CAST(:job_id AS uuid)",
            {
                "tenant_id": self.context.tenant_id,
                "job_id": self.job_id,
                "checkpoint": json.dumps(checkpoint),
            },
        )
        if self.on_save is not None:
            self.on_save(checkpoint)

    def progress(self, phase: str, done: int, total: int = 0, message: str = "") -> None:
        self.told.append((phase, done, total, message))

    def proceed(self) -> None:
        """Never has to end."""


@dataclass
class Importer:
    """Uploads files and imports them."""

    databases: Databases
    context: Context
    storage: LocalStorage
    runs: list[Run] = field(default_factory=list)

    @property
    def keeper(self) -> FileKeeper:
        return FileKeeper(self.storage, timedelta(hours=1))

    def upload(self, path: Path) -> str:
        """Stores a file and returns its id."""
        file = self.keeper.write(
            self.context, kind="upload", filename=path.name, media_type="text/plain", source=path
        )
        with self.databases.app.begin(self.context) as unit:
            self.keeper.record(unit, file)
            unit.commit(None)
        return file.file_id

    def submit(self, file_id: str, mapping: ImportMapping) -> str:
        """Writes the row of a job and returns its id."""
        job_id = str(uuid.uuid4())
        settled = dataclasses.replace(
            mapping, time_zone=mapping.time_zone or "UTC", currency=mapping.currency or "USD"
        )
        with self.databases.app.begin(self.context) as unit:
            unit.execute(
                "INSERT INTO jobs (tenant_id, job_id, kind, queue, payload, max_attempts, key_id,"
                " roles, correlation_id) VALUES (:tenant_id, CAST(:job_id AS uuid),"
                " 'records.import', 'default', CAST(:payload AS jsonb), 5, 'key', '{}', '')",
                {
                    "tenant_id": self.context.tenant_id,
                    "job_id": job_id,
                    "payload": json.dumps({"file_id": file_id, "mapping": settled.to_json()}),
                },
            )
            unit.commit(None)
        return job_id

    @contextmanager
    def attempt(self, job_id: str, on_save: OnSave | None = None) -> Iterator[Run]:
        """Yields an attempt that begins at the job's checkpoint."""
        row = self.databases.app.read_one(
            self.context,
            "SELECT payload, checkpoint FROM jobs"
            " WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s",
            {"tenant_id": self.context.tenant_id, "job_id": job_id},
        )
        assert row is not None
        with tempfile.TemporaryDirectory() as directory:
            run = Run(
                self.databases,
                self.context,
                job_id,
                row["payload"],
                row["checkpoint"],
                Path(directory),
                on_save,
            )
            self.runs.append(run)
            yield run

    def run(self, run: Run) -> Outcome:
        """Runs an attempt to its end."""
        outcome = ImportRecords(OpenFile(self.databases.app, self.storage), self.keeper)(run)
        if isinstance(outcome, Done):
            with run.begin() as unit:
                if outcome.write is not None:
                    outcome.write(unit)
                unit.commit(None)
        return outcome

    def import_path(self, path: Path, mapping: ImportMapping) -> Done:
        """Uploads and imports a file."""
        with self.attempt(self.submit(self.upload(path), mapping)) as run:
            outcome = self.run(run)
        assert isinstance(outcome, Done), outcome
        return outcome

    def upload_text(self, content: str | bytes) -> str:
        """Stores a text as a file and returns its id."""
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "rows.csv"
            path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
            return self.upload(path)

    def import_text(self, content: str, mapping: ImportMapping) -> Done:
        """Uploads and imports a text."""
        with self.attempt(self.submit(self.upload_text(content), mapping)) as run:
            outcome = self.run(run)
        assert isinstance(outcome, Done), outcome
        return outcome

    def refusal(self, content: bytes, mapping: ImportMapping) -> Failure:
        """Uploads and imports a file that cannot be imported."""
        with self.attempt(self.submit(self.upload_text(content), mapping)) as run:
            outcome = self.run(run)
        assert isinstance(outcome, Refused), outcome
        return outcome.failure

    def rejected(self, outcome: Done) -> list[list[str]]:
        """Returns the rows of the error file: row, column, reason, content."""
        if outcome.file_id is None:
            return []
        file = file_store.read(self.databases.app, self.context, outcome.file_id)
        assert file is not None
        with self.storage.open(self.context.tenant_id, file.path) as stream:
            rows = list(csv.reader(stream.read().decode("utf-8").splitlines(keepends=True)))
        assert rows[0] == ["row", "column", "reason", "content"]
        return rows[1:]
