"""Keeps the rows an import rejects, until they are written to its error file."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from core.platform.unit_of_work import UnitOfWork
from core.records.import_rows import Rejection

HEADER = ("row", "column", "reason", "content")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def add(unit: UnitOfWork, job_id: str, rejections: Sequence[Rejection]) -> None:
    """Writes rejected rows in the transaction that stores the rows beside them."""
    if not rejections:
        return
    unit.execute(
        "INSERT INTO import_rejections"
        " (tenant_id, job_id, row_number, column_name, reason, row_text)"
        " SELECT :tenant_id, CAST(:job_id AS uuid), given.* FROM unnest(CAST(:rows AS bigint[]),"
        " CAST(:columns AS text[]), CAST(:reasons AS text[]), CAST(:texts AS text[])) AS given",
        {
            "tenant_id": unit.context.tenant_id,
            "job_id": job_id,
            "rows": [rejection.row_number for rejection in rejections],
            "columns": [_storable(rejection.column) for rejection in rejections],
            "reasons": [_storable(rejection.reason) for rejection in rejections],
            "texts": [_storable(rejection.text) for rejection in rejections],
        },
    )


def write_file(unit: UnitOfWork, job_id: str, path: Path) -> None:
    """Writes the rejected rows of a job as CSV, in the order of the file they come from."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(
            unit.stream(
                "SELECT row_number, column_name, reason, row_text FROM import_rejections"
                " WHERE tenant_id = :tenant_id AND job_id = CAST(:job_id AS uuid)"
                " ORDER BY row_number",
                {"tenant_id": unit.context.tenant_id, "job_id": job_id},
            )
        )


def remove(unit: UnitOfWork, job_id: str) -> None:
    """Forgets the rejected rows of a job."""
    unit.execute(
        "DELETE FROM import_rejections WHERE tenant_id = :tenant_id"
        " AND job_id = CAST(:job_id AS uuid)",
        {"tenant_id": unit.context.tenant_id, "job_id": job_id},
    )


def _storable(text: str) -> str:
    return UNSTORABLE.sub("\ufffd", text)
