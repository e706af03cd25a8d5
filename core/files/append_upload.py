"""Appends bytes to an upload."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.context import Context
from core.failures import Failure, not_found
from core.files import store
from core.files.file import File, FileState
from core.platform.database import Database
from core.platform.storage import Storage, storage_faults
from core.reasons import Reason
from core.result import Err, Result


@dataclass(frozen=True, slots=True)
class Chunk:
    """Is a piece of an upload; `offset` is the place of its first byte."""

    file_id: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class AppendUpload:
    """Takes the next bytes; the same bytes again, where they already are, change nothing.

    The row is locked, the bytes are made durable, then the row says that they count: after a crash
    in between, the same offset is asked for again and what was written there is overwritten.
    """

    database: Database
    storage: Storage
    max_file_bytes: int

    def __call__(self, context: Context, command: Chunk) -> Result[File]:
        """Fails with UPLOAD_OFFSET_MISMATCH, FILE_TOO_LARGE or UPLOAD_COMPLETED."""
        end = command.offset + len(command.data)
        with self.database.begin(context) as unit:
            file = store.lock(unit, command.file_id)
            if file is None:
                return Err(not_found("file", command.file_id))
            if file.state is not FileState.UPLOADING:
                return Err(completed(file))
            if end > self.max_file_bytes:
                return Err(too_large(self.max_file_bytes))
            if end <= file.size_bytes and self._is_there(context, file, command):
                return unit.commit(file)
            if command.offset != file.size_bytes:
                return Err(offset_mismatch(file, command.offset))
            self.storage.append(context.tenant_id, file.path, command.offset, command.data)
            longer = replace(file, size_bytes=end)
            store.update(unit, longer)
            return unit.commit(longer)

    def _is_there(self, context: Context, file: File, command: Chunk) -> bool:
        if not command.data:
            return True
        with (
            self.storage.open(context.tenant_id, file.path, command.offset) as stream,
            storage_faults(),
        ):
            return stream.read(len(command.data)) == command.data


def completed(file: File) -> Failure:
    """Says that the upload takes no more bytes."""
    return Failure(
        Reason.UPLOAD_COMPLETED,
        f"The upload of file {file.file_id!r} is complete.",
        {"file_id": file.file_id, "size_bytes": str(file.size_bytes)},
    )


def too_large(max_file_bytes: int) -> Failure:
    """Says how large a file may be."""
    return Failure(
        Reason.FILE_TOO_LARGE,
        f"A file may have at most {max_file_bytes} bytes.",
        {"max_file_bytes": str(max_file_bytes)},
    )


def offset_mismatch(file: File, offset: int) -> Failure:
    """Says where the upload goes on."""
    return Failure(
        Reason.UPLOAD_OFFSET_MISMATCH,
        f"The upload goes on at offset {file.size_bytes}, not at {offset}.",
        {
            "file_id": file.file_id,
            "offset": str(offset),
            "expected_offset": str(file.size_bytes),
        },
    )
