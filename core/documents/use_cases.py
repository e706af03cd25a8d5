"""Joins what can be done with documents."""

from __future__ import annotations

from dataclasses import dataclass

from core.documents.build_workbook import BuildWorkbook
from core.documents.start_workbook import KIND, StartWorkbook, Submit
from core.documents.workbook_payload import check_payload
from core.files.use_cases import Files
from core.jobs.kind import JobKind
from core.platform.database import Database

# Rows are streamed, so that it needs a tenth of this whatever their number.
WORKBOOK_MEMORY_BYTES = 1024**3


@dataclass(frozen=True, slots=True)
class Documents:
    """Holds the use cases of documents."""

    start_workbook: StartWorkbook


def documents_use_cases(database: Database, submit: Submit) -> Documents:
    """Returns the use cases of documents over one database."""
    return Documents(start_workbook=StartWorkbook(database, submit))


def workbook_kind(database: Database, files: Files) -> JobKind:
    """Returns the kind of job that writes a workbook."""
    return JobKind(
        KIND,
        BuildWorkbook(database, files.keeper),
        check_payload=check_payload,
        # It computes for seconds, which the other jobs of a worker would feel.
        isolated=True,
        memory_limit_bytes=WORKBOOK_MEMORY_BYTES,
    )
