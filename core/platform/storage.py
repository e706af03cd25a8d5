"""Defines what a file storage does, and the paths that keep tenants apart in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from core.failures import Failure, RefusedError
from core.reasons import Reason

STORED = re.compile(
    r"tenant_(?P<tenant_id>[a-z0-9][a-z0-9_-]{0,62})/[a-z][a-z0-9-]{0,39}/\d{4}/\d{2}/"
    r"(?P<file_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[a-z0-9]{1,10}"
)
EXTENSION = re.compile(r"[a-z0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Stored:
    """Says what was written: its size and its SHA-256 in lower-case hexadecimal digits."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Found:
    """Is one file seen in the storage; `temporary` where no row can ever name it."""

    tenant_id: str
    file_id: str
    path: str
    temporary: bool


class Storage(Protocol):
    """Is what a file storage does. A path is one that `path_of` made; it names its tenant.

    Each method raises FILE_STORE_UNAVAILABLE where the storage is full, broken or out of reach.
    """

    def append(self, tenant_id: str, path: str, offset: int, data: bytes) -> None:
        """Writes bytes of an incomplete file, durable on return; what lay behind them is cut."""

    def finish(self, tenant_id: str, path: str, size_bytes: int) -> None:
        """Gives an incomplete file its name, with just its first `size_bytes`."""

    def keep(self, tenant_id: str, path: str, source: Path) -> Stored:
        """Copies a local file into the storage; it appears whole or not at all."""

    def open(self, tenant_id: str, path: str, offset: int = 0) -> BinaryIO:
        """Opens a file, complete or not, at a place; read it within `storage_faults`."""

    def delete(self, tenant_id: str, path: str) -> None:
        """Removes a file, also one that is not there."""

    def leftovers(self, older_than_seconds: float) -> Iterator[Found]:
        """Yields the files of all tenants that were last written so long ago."""

    def remove(self, found: Found) -> None:
        """Removes a file that `leftovers` found."""

    def check(self) -> None:
        """Proves that the storage takes a file."""


def path_of(tenant_id: str, kind: str, file_id: str, filename: str, at: datetime) -> str:
    """Returns `tenant_<id>/<kind>/<yyyy>/<mm>/<file id>.<ext>`.

    Of the caller's name only the extension is used, and only a plain one.
    """
    extension = filename.rpartition(".")[2].lower() if "." in filename else ""
    if not EXTENSION.fullmatch(extension):
        extension = "bin"
    path = f"tenant_{tenant_id}/{kind}/{at:%Y}/{at:%m}/{file_id}.{extension}"
    if not STORED.fullmatch(path):
        raise ValueError(f"not a path of the storage: {path!r}")
    return path


@contextmanager
def storage_faults() -> Iterator[None]:
    """Turns what a full or broken disk raises into a catalogued refusal."""
    try:
        yield
    except OSError as fault:
        raise RefusedError(UNAVAILABLE) from fault


UNAVAILABLE = Failure(
    Reason.FILE_STORE_UNAVAILABLE,
    "The node cannot read or write its file storage.",
    retry_after_ms=5_000,
)
