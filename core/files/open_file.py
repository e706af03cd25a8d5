"""Opens a complete file for code of the node that reads it, such as an import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from core.context import Context
from core.failures import Failure, not_found
from core.files import store
from core.files.file import File, FileState
from core.platform.database import Database
from core.platform.storage import Storage
from core.reasons import Reason
from core.result import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """Is a file with its bytes; whoever opened it closes `stream`, which can seek."""

    file: File
    stream: BinaryIO


@dataclass(frozen=True, slots=True)
class OpenFile:
    """Opens the tenant's file at an offset.

    Fails with RESOURCE_NOT_FOUND, FILE_NOT_READY, or FILE_STORE_UNAVAILABLE.
    """

    database: Database
    storage: Storage

    def __call__(self, context: Context, file_id: str, offset: int = 0) -> Result[OpenedFile]:
        """Reads the row, then opens the bytes it names."""
        file = store.read(self.database, context, file_id)
        if file is None:
            return Err(not_found("file", file_id))
        if file.state is not FileState.READY:
            return Err(
                Failure(
                    Reason.FILE_NOT_READY,
                    f"The upload of file {file_id!r} is not complete.",
                    {"file_id": file_id, "size_bytes": str(file.size_bytes)},
                )
            )
        return Ok(OpenedFile(file, self.storage.open(context.tenant_id, file.path, offset)))
