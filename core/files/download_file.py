"""Streams the content of a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, assert_never

from core.context import Context
from core.failures import field_invalid
from core.files.file import File
from core.files.open_file import OpenedFile, OpenFile
from core.platform.storage import storage_faults
from core.result import Err, Ok, Result

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class FileRange:
    """Asks for a file from a place on, counted from 0."""

    file_id: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class FilePart:
    """Is one piece of the content; the first one also has the file."""

    data: bytes
    file: File | None = None


@dataclass(frozen=True, slots=True)
class DownloadFile:
    """Reads a file in order, in pieces of at most 256 KiB."""

    open: OpenFile

    def __call__(self, context: Context, query: FileRange) -> Result[Iterator[FilePart]]:
        """Opens the file first, so that every refusal comes before the first piece."""
        opened = self.open(context, query.file_id, query.offset)
        match opened:
            case Err():
                return opened
            case Ok(found):
                if query.offset > found.file.size_bytes:
                    found.stream.close()
                    last = found.file.size_bytes
                    return Err(field_invalid("offset", f"must be at most {last}, the file's size"))
                return Ok(_parts(context, found, found.file.size_bytes - query.offset))
            case _:
                assert_never(opened)


def _parts(context: Context, opened: OpenedFile, left: int) -> Iterator[FilePart]:
    with opened.stream as stream:
        data = _read(stream, left)
        yield FilePart(data, opened.file)
        while left := left - len(data):
            context.require_time()
            data = _read(stream, left)
            yield FilePart(data)


def _read(stream: BinaryIO, left: int) -> bytes:
    with storage_faults():
        data = stream.read(min(left, CHUNK_BYTES))
        if left and not data:
            raise OSError("the stored file is shorter than its row says")
        return data
