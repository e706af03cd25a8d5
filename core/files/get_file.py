"""Gets what is known of one file."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import not_found
from core.files import store
from core.files.file import File
from core.platform.database import Database
from core.result import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class GetFile:
    """Returns the tenant's file by its id. Fails with RESOURCE_NOT_FOUND, also once it expired."""

    database: Database

    def __call__(self, context: Context, file_id: str) -> Result[File]:
        """Reads the row in one round trip."""
        file = store.read(self.database, context, file_id)
        return Err(not_found("file", file_id)) if file is None else Ok(file)
