"""Keeps the bytes of files on the local disk, each below the directory of its tenant."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from core.failures import RefusedError
from core.platform.storage import STORED, UNAVAILABLE, Found, Stored, storage_faults

FILE_MODE = 0o640
DIRECTORY_MODE = 0o750
PARTIAL = ".part"  # an upload that is not complete
TEMPORARY = ".tmp"  # a copy that is being made
COPY_BYTES = 1024 * 1024


class LocalStorage:
    """Keeps files below one directory; meant for one machine or a shared file system."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def append(self, tenant_id: str, path: str, offset: int, data: bytes) -> None:
        """Writes bytes of an incomplete file, durable on return; what lay behind them is cut."""
        with storage_faults(), self._incomplete(tenant_id, path) as descriptor:
            if os.fstat(descriptor).st_size < offset:
                raise RefusedError(UNAVAILABLE)
            os.ftruncate(descriptor, offset)
            view = memoryview(data)
            while view:
                written = os.pwrite(descriptor, view, offset)
                view, offset = view[written:], offset + written
            os.fdatasync(descriptor)

    def finish(self, tenant_id: str, path: str, size_bytes: int) -> None:
        """Gives an incomplete file its name, with just its first `size_bytes`."""
        place = self._place(tenant_id, path)
        with storage_faults():
            with self._incomplete(tenant_id, path) as descriptor:
                if os.fstat(descriptor).st_size < size_bytes:
                    raise RefusedError(UNAVAILABLE)
                os.ftruncate(descriptor, size_bytes)
                os.fsync(descriptor)
            _beside(place, PARTIAL).rename(place)
            _make_durable(place.parent)

    def keep(self, tenant_id: str, path: str, source: Path) -> Stored:
        """Copies a local file into the storage; it appears whole or not at all."""
        place = self._place(tenant_id, path)
        temporary = _beside(place, TEMPORARY)
        digest, size = hashlib.sha256(), 0
        with storage_faults(), source.open("rb") as origin:
            self._make_directory(place.parent)
            try:
                with os.fdopen(_create(temporary), "wb") as copy:
                    while chunk := origin.read(COPY_BYTES):
                        digest.update(chunk)
                        size += copy.write(chunk)
                    copy.flush()
                    os.fsync(copy.fileno())
                temporary.rename(place)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            _make_durable(place.parent)
        return Stored(size, digest.hexdigest())

    def open(self, tenant_id: str, path: str, offset: int = 0) -> BinaryIO:
        """Opens a file, complete or not, at a place; read it within `storage_faults`."""
        place = self._place(tenant_id, path)
        with storage_faults():
            try:
                stream = place.open("rb")
            except FileNotFoundError:
                stream = _beside(place, PARTIAL).open("rb")
            stream.seek(offset)
            return stream

    def delete(self, tenant_id: str, path: str) -> None:
        """Removes a file, also one that is not there."""
        place = self._place(tenant_id, path)
        with storage_faults():
            place.unlink(missing_ok=True)
            _beside(place, PARTIAL).unlink(missing_ok=True)

    def leftovers(self, older_than_seconds: float) -> Iterator[Found]:
        """Yields the files of all tenants that were last written so long ago."""
        latest = time.time() - older_than_seconds
        for place in self._root.glob("tenant_*/*/*/*/*"):
            name = place.relative_to(self._root).as_posix()
            temporary = name.endswith(TEMPORARY)
            known = STORED.fullmatch(name.removesuffix(TEMPORARY).removesuffix(PARTIAL))
            try:
                old = place.stat().st_mtime < latest
            except FileNotFoundError:
                continue  # removed or renamed meanwhile
            if known and old:
                yield Found(known["tenant_id"], known["file_id"], name, temporary)

    def remove(self, found: Found) -> None:
        """Removes a file that `leftovers` found."""
        with storage_faults():
            (self._root / found.path).unlink(missing_ok=True)

    def check(self) -> None:
        """Proves that the storage takes a file."""
        with storage_faults():
            self._make_directory(self._root)
            probe = self._root / f"probe-{os.getpid()}-{time.monotonic_ns()}{TEMPORARY}"
            os.close(_create(probe))
            probe.unlink()

    @contextmanager
    def _incomplete(self, tenant_id: str, path: str) -> Iterator[int]:
        """Yields a descriptor of the incomplete file, made where it is not there yet."""
        place = self._place(tenant_id, path)
        partial = _beside(place, PARTIAL)
        if not partial.exists():
            self._make_directory(place.parent)
            if place.exists():
                # It was finished, but the transaction that was to say so did not commit.
                place.rename(partial)
            else:
                os.close(_create(partial))
            _make_durable(place.parent)
        descriptor = os.open(partial, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _place(self, tenant_id: str, path: str) -> Path:
        known = STORED.fullmatch(path)
        if known is None or known["tenant_id"] != tenant_id:
            # Rows of another tenant are out of reach, so this is a bug and no caller's mistake.
            raise RuntimeError(f"{path!r} is no path of tenant {tenant_id!r}")
        return self._root / path

    def _make_directory(self, directory: Path) -> None:
        if directory.is_dir():
            return
        if directory != self._root:
            self._make_directory(directory.parent)
            directory.mkdir(exist_ok=True)
        else:
            directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(DIRECTORY_MODE)


def _beside(place: Path, suffix: str) -> Path:
    return place.with_name(place.name + suffix)


def _create(path: Path) -> int:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    os.fchmod(descriptor, FILE_MODE)
    return descriptor


def _make_durable(directory: Path) -> None:
    """Has the names in a directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
