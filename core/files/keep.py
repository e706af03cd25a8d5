"""Gives a job's finished file a place in the storage and a row in the job's last transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uuid_utils

from core.context import Context
from core.files import store
from core.files.file import File, FileState
from core.platform.storage import Storage, path_of
from core.platform.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class FileKeeper:
    """Writes what jobs make.

    A handler calls `write`, and has `record` run in the transaction that ends the job:
    `Done(result, file_id=file.file_id, write=lambda unit: keeper.record(unit, file))`. Bytes whose
    transaction never commits are removed by the sweep.
    """

    storage: Storage
    lifetime: timedelta

    def write(
        self, context: Context, *, kind: str, filename: str, media_type: str, source: Path
    ) -> File:
        """Copies `source` into the storage, durable on return; nobody sees it before `record`.

        Raises FILE_STORE_UNAVAILABLE.
        """
        now = datetime.now(UTC)
        file_id = str(uuid_utils.uuid7())
        path = path_of(context.tenant_id, kind, file_id, filename, now)
        stored = self.storage.keep(context.tenant_id, path, source)
        return File(
            file_id=file_id,
            kind=kind,
            state=FileState.READY,
            filename=filename,
            media_type=media_type,
            path=path,
            size_bytes=stored.size_bytes,
            sha256=stored.sha256,
            created_at=now,
            expires_at=now + self.lifetime,
        )

    def record(self, unit: UnitOfWork, file: File) -> None:
        """Makes the file known, together with whatever else the transaction does."""
        store.insert(unit, file)
