"""Starts the import of an uploaded file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from core.context import Context
from core.failures import Failure, not_found
from core.files.file import File, FileState
from core.jobs.job import Job
from core.platform.database import Database
from core.platform.unit_of_work import UnitOfWork
from core.reasons import Reason
from core.records.import_mapping import ImportMapping, check
from core.records.import_payload import settled
from core.result import Err, Result

KIND = "records.import"


class Submit(Protocol):
    """Writes a job in the caller's transaction."""

    def __call__(self, unit: UnitOfWork, *, kind: str, payload: Mapping[str, Any]) -> Job:
        """Returns the new job; raises TENANT_QUEUE_FULL."""


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """Asks to import a file by a mapping."""

    file_id: str
    mapping: ImportMapping


@dataclass(frozen=True, slots=True)
class StartImport:
    """Submits a job of kind `records.import`.

    Fails with RESOURCE_NOT_FOUND or FILE_NOT_READY for the file, and with IMPORT_MAPPING_INVALID.
    """

    database: Database
    find_file: Callable[[UnitOfWork, str], File | None]
    submit: Submit

    def __call__(self, context: Context, order: ImportOrder) -> Result[Job]:
        """Writes the mapping down as it is now, with the tenant's time zone and currency."""
        with self.database.begin(context) as unit:
            if failure := check(order.mapping):
                return Err(failure)
            file = self.find_file(unit, order.file_id)
            if file is None:
                return Err(not_found("file", order.file_id))
            if file.state is not FileState.READY:
                return Err(
                    Failure(
                        Reason.FILE_NOT_READY,
                        f"The upload of file {order.file_id!r} is not complete.",
                        {"file_id": order.file_id, "size_bytes": str(file.size_bytes)},
                    )
                )
            payload = {
                "file_id": file.file_id,
                "mapping": settled(unit, order.mapping).to_json(),
            }
            return unit.commit(self.submit(unit, kind=KIND, payload=payload))
