"""Ends an upload and checks that it is what the sender meant."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from core.context import Context
from core.failures import Failure, not_found
from core.files import store
from core.files.file import File, FileState
from core.platform.database import Database
from core.platform.storage import Storage, storage_faults
from core.reasons import Reason
from core.result import Err, Result

READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Completion:
    """Names what the whole file must be; `sha256` in lower-case hexadecimal digits."""

    file_id: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CompleteUpload:
    """Makes an upload a file that can be read; its time to live begins anew.

    Repeating it changes nothing.
    """

    database: Database
    storage: Storage
    lifetime: timedelta

    def __call__(self, context: Context, command: Completion) -> Result[File]:
        """Fails with UPLOAD_INCOMPLETE or UPLOAD_CHECKSUM_MISMATCH; the upload then goes on."""
        with self.database.begin(context) as unit:
            file = store.lock(unit, command.file_id)
            if file is None:
                return Err(not_found("file", command.file_id))
            if file.size_bytes != command.size_bytes:
                return Err(incomplete(file, command.size_bytes))
            ready = file.state is FileState.READY
            sha256 = file.sha256 if ready else self._digest(context, file)
            if sha256 != command.sha256:
                return Err(checksum_mismatch(file, sha256))
            if ready:
                return unit.commit(file)
            complete = replace(
                file,
                state=FileState.READY,
                sha256=sha256,
                expires_at=datetime.now(UTC) + self.lifetime,
            )
            store.update(unit, complete)
            self.storage.finish(context.tenant_id, file.path, file.size_bytes)
            return unit.commit(complete)

    def _digest(self, context: Context, file: File) -> str:
        """Reads what has arrived, and no byte behind it."""
        digest, left = hashlib.sha256(), file.size_bytes
        if left == 0:
            return digest.hexdigest()
        with self.storage.open(context.tenant_id, file.path) as stream, storage_faults():
            while left > 0 and (chunk := stream.read(min(left, READ_BYTES))):
                context.require_time()
                digest.update(chunk)
                left -= len(chunk)
        return digest.hexdigest()


def incomplete(file: File, size_bytes: int) -> Failure:
    """Says how many bytes have arrived."""
    return Failure(
        Reason.UPLOAD_INCOMPLETE,
        f"{file.size_bytes} bytes have arrived, not {size_bytes}.",
        {
            "file_id": file.file_id,
            "received_bytes": str(file.size_bytes),
            "size_bytes": str(size_bytes),
        },
    )


def checksum_mismatch(file: File, sha256: str) -> Failure:
    """Says what the SHA-256 of the bytes is that have arrived."""
    return Failure(
        Reason.UPLOAD_CHECKSUM_MISMATCH,
        f"The SHA-256 of what has arrived is {sha256}.",
        {"file_id": file.file_id, "received_sha256": sha256},
    )
