"""Says what a stored file is and where it can stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class FileState(StrEnum):
    """Lists where a file can stand."""

    UPLOADING = "UPLOADING"
    READY = "READY"


@dataclass(frozen=True, slots=True)
class File:
    """Is one file of a tenant: a row that names bytes in the storage.

    `size_bytes` of an upload is what has arrived for good; bytes behind it do not count.
    `sha256` is in lower-case hexadecimal digits, empty before the file is ready.
    """

    file_id: str
    kind: str
    state: FileState
    filename: str
    media_type: str
    path: str
    size_bytes: int
    sha256: str
    created_at: datetime
    expires_at: datetime
