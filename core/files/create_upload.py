"""Begins an upload."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import uuid_utils

from core.context import Context
from core.files import store
from core.files.file import File, FileState
from core.platform.database import Database
from core.platform.storage import path_of
from core.result import Result

UPLOAD_KIND = "upload"
UNKNOWN_MEDIA_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class NewUpload:
    """Asks for an upload; an empty media type means that it is not known."""

    filename: str
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class CreateUpload:
    """Makes an empty file that takes bytes; it expires like any other, complete or not."""

    database: Database
    lifetime: timedelta

    def __call__(self, context: Context, command: NewUpload) -> Result[File]:
        """Inserts the row; the first append makes the file in the storage."""
        now = datetime.now(UTC)
        file_id = str(uuid_utils.uuid7())
        with self.database.begin(context) as unit:
            file = File(
                file_id=file_id,
                kind=UPLOAD_KIND,
                state=FileState.UPLOADING,
                filename=command.filename,
                media_type=command.media_type or UNKNOWN_MEDIA_TYPE,
                path=path_of(context.tenant_id, UPLOAD_KIND, file_id, command.filename, now),
                size_bytes=0,
                sha256="",
                created_at=now,
                expires_at=now + self.lifetime,
            )
            store.insert(unit, file)
            return unit.commit(file)
