"""Runs the job that reads an uploaded file into invoices."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from core.failures import Failure, FieldViolation
from core.files.file import File
from core.files.keep import FileKeeper
from core.files.open_file import OpenedFile, OpenFile
from core.jobs.kind import Done, JobRun, Outcome, Refused
from core.platform.unit_of_work import UnitOfWork
from core.reasons import Reason
from core.records import import_rejections, invoice_store
from core.records.import_chunk import Chunk, chunks, gather
from core.records.import_mapping import ImportMapping, invalid
from core.records.import_payload import settled
from core.records.import_reader import Record, RecordReader, UnreadableError
from core.records.import_rows import ImportRow, Rejection, RowParser
from core.result import Err

PHASE = "bytes"
ERROR_FILE_KIND = "import-errors"
ERROR_FILE_NAME = "import-errors.csv"


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts what an import has come to; kept as the job's checkpoint and as its result."""

    rows_in: int = 0
    rows_stored: int = 0
    rows_rejected: int = 0
    invoices: int = 0

    def plus(self, chunk: Chunk) -> Counts:
        """Returns the counts after one more chunk."""
        return Counts(
            rows_in=self.rows_in + chunk.rows,
            rows_stored=self.rows_stored + chunk.rows_stored,
            rows_rejected=self.rows_rejected + len(chunk.rejections),
            invoices=self.invoices + len(chunk.replaced),
        )


@dataclass(frozen=True, slots=True)
class ImportRecords:
    """Imports a file chunk by chunk, each in one transaction with the checkpoint behind it.

    An attempt begins where the last one's checkpoint stands. Every row is stored or rejected, and
    a file that is imported again leaves the same invoices.
    """

    open_file: OpenFile
    keeper: FileKeeper

    def __call__(self, run: JobRun) -> Outcome:
        """Returns the counts, with the file of rejected rows where there are any."""
        opened = self.open_file(run.context, run.payload["file_id"])
        if isinstance(opened, Err):
            return Refused(opened.failure)
        with run.begin() as unit:
            mapping = settled(unit, ImportMapping.from_json(run.payload["mapping"]))
        with closing(opened.value.stream):
            try:
                reader = RecordReader(opened.value.stream, mapping)
                if failure := _columns_missing(mapping, reader.columns):
                    return Refused(failure)
                counts = _Import(run, opened.value, mapping, reader.columns).store(reader)
            except UnreadableError as fault:
                return Refused(
                    Failure(Reason.IMPORT_FILE_UNREADABLE, str(fault), {"fault": str(fault)})
                )
        return self._done(run, counts)

    def _done(self, run: JobRun, counts: Counts) -> Done:
        if counts.rows_in != counts.rows_stored + counts.rows_rejected:
            raise RuntimeError(f"rows were lost or doubled: {counts}")
        result: dict[str, Any] = asdict(counts)
        if not counts.rows_rejected:
            return Done(result)
        path = run.directory / ERROR_FILE_NAME
        with run.begin() as unit:
            import_rejections.write_file(unit, run.job_id, path)
        file = self.keeper.write(
            run.context,
            kind=ERROR_FILE_KIND,
            filename=ERROR_FILE_NAME,
            media_type="text/csv",
            source=path,
        )

        def finish(unit: UnitOfWork) -> None:
            self.keeper.record(unit, file)
            import_rejections.remove(unit, run.job_id)

        return Done({**result, "error_file_id": file.file_id}, file.file_id, finish)


class _Import:
    """Is one attempt: the file, how to read it, and where to put its rows."""

    def __init__(
        self, run: JobRun, opened: OpenedFile, mapping: ImportMapping, columns: Sequence[str]
    ) -> None:
        self._run = run
        self._opened = opened
        self._mapping = mapping
        self._parser = RowParser(mapping, columns)
        self._source = _source_of(opened.file, mapping)

    def store(self, records: Iterable[Record]) -> Counts:
        """Stores what lies behind the checkpoint."""
        run = self._run
        counts = Counts(**(run.checkpoint or {}))
        looked_at = counts.rows_stored
        fresh = islice(records, counts.rows_in, None)
        for rows in chunks(map(self._parser, fresh)):
            run.proceed()
            counts = self._store_chunk(rows, counts)
            if counts.rows_stored >= 2 * looked_at:
                self._refresh_statistics()
                looked_at = counts.rows_stored
            run.progress(
                PHASE,
                self._opened.stream.tell(),
                self._opened.file.size_bytes,
                f"{counts.rows_in:,} rows read, {counts.rows_rejected:,} of them rejected",
            )
        return counts

    def _refresh_statistics(self) -> None:
        """Tells the planner how many rows there are, each time they have doubled."""
        with self._run.begin() as unit:
            invoice_store.refresh_statistics(unit)
            unit.commit(None)

    def _store_chunk(self, rows: Sequence[ImportRow | Rejection], counts: Counts) -> Counts:
        numbers = {row.number for row in rows if isinstance(row, ImportRow)}
        with self._run.begin() as unit:
            known = invoice_store.imported(unit, sorted(numbers), self._source)
            chunk = gather(rows, known, self._mapping.grouping, self._parser)
            invoice_store.replace(unit, chunk.replaced, self._source)
            invoice_store.extend(unit, chunk.extended)
            import_rejections.add(unit, self._run.job_id, chunk.rejections)
            counts = counts.plus(chunk)
            # Last, because the heartbeat waits for the lock this takes.
            self._run.save(unit, asdict(counts))
            unit.commit(None)
        return counts


def _columns_missing(mapping: ImportMapping, columns: Sequence[str]) -> Failure | None:
    faults = [
        FieldViolation(
            f"mapping.fields.{name}",
            f"is no column of the file: {column}"
            if column not in columns
            else f"is more than one column of the file: {column}",
        )
        for name, column in sorted(mapping.fields.items())
        if columns.count(column) != 1
    ]
    return invalid(*faults) if faults else None


def _source_of(file: File, mapping: ImportMapping) -> UUID:
    """Returns a name for these bytes read in this way, the same in every run."""
    told = json.dumps([file.sha256, mapping.to_json()], sort_keys=True)
    return UUID(bytes=hashlib.sha256(told.encode("utf-8")).digest()[:16])
