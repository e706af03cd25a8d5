"""Deletes a file."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import not_found
from core.files import store
from core.platform.database import Database
from core.platform.storage import Storage
from core.result import Err, Result


@dataclass(frozen=True, slots=True)
class DeleteFile:
    """Removes a file and its bytes. Fails with RESOURCE_NOT_FOUND where there is none."""

    database: Database
    storage: Storage

    def __call__(self, context: Context, file_id: str) -> Result[None]:
        """Removes the bytes before the commit, so that a broken storage leaves the row."""
        with self.database.begin(context) as unit:
            file = store.delete(unit, file_id)
            if file is None:
                return Err(not_found("file", file_id))
            self.storage.delete(context.tenant_id, file.path)
            return unit.commit(None)
