"""Proves that the local storage keeps tenants apart and survives what crashes leave behind."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.failures import RefusedError
from core.platform.local_storage import LocalStorage
from core.platform.storage import path_of
from core.reasons import Reason

FILE_ID = "01975e5a-0000-7000-8000-000000000001"
AT = datetime(2025, 6, 7, tzinfo=UTC)
PATH = f"tenant_acme/upload/2025/06/{FILE_ID}.csv"


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files")


def content(storage: LocalStorage, offset: int = 0) -> bytes:
    with storage.open("acme", PATH, offset) as stream:
        return stream.read()


def refusal(error: pytest.ExceptionInfo[RefusedError]) -> Reason:
    return error.value.failure.reason


def test_a_path_names_tenant_kind_year_month_and_id() -> None:
    assert path_of("acme", "upload", FILE_ID, "Sales 2025.CSV", AT) == PATH


@pytest.mark.parametrize(
    "filename",
    ["../../etc/passwd", "x./../../y", "..", "a.b/c", "x.ph\x00p", "x.", "", "x.exe\n", "é.ü"],
)
def test_a_hostile_filename_never_reaches_the_path(filename: str) -> None:
    assert path_of("acme", "upload", FILE_ID, filename, AT) == PATH.replace(".csv", ".bin")


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        f"tenant_acme/../tenant_globex/upload/2025/06/{FILE_ID}.csv",
        f"tenant_globex/upload/2025/06/{FILE_ID}.csv",
        f"tenant_acme/upload/2025/06/{FILE_ID}.csv/..",
        f"tenant_acme/upload/2025/06/{FILE_ID}.csv\n",
        f"tenant_acme_2/upload/2025/06/{FILE_ID}.csv",
        "",
    ],
)
def test_a_path_that_is_not_of_the_tenant_is_never_touched(
    storage: LocalStorage, path: str, tmp_path: Path
) -> None:
    for touch in (
        lambda: storage.append("acme", path, 0, b"x"),
        lambda: storage.open("acme", path).close(),
        lambda: storage.finish("acme", path, 0),
        lambda: storage.keep("acme", path, tmp_path),
        lambda: storage.delete("acme", path),
    ):
        with pytest.raises(RuntimeError, match="no path of tenant"):
            touch()
    assert not (tmp_path / "files").exists()


def test_files_are_0640_in_directories_of_0750_whatever_the_umask_is(
    storage: LocalStorage, tmp_path: Path
) -> None:
    (tmp_path / "source").write_bytes(b"made by a job")
    other = PATH.replace("upload", "workbook")
    for umask in (0o000, 0o077):
        before = os.umask(umask)
        try:
            storage.append("acme", PATH, 0, b"x")
            storage.keep("acme", other, tmp_path / "source")
        finally:
            os.umask(before)
        for place in (tmp_path / "files").rglob("*"):
            mode = stat.S_IMODE(place.stat().st_mode)
            assert mode == (0o750 if place.is_dir() else 0o640), place
        storage.delete("acme", PATH)
        storage.delete("acme", other)


def test_bytes_behind_the_offset_are_overwritten_and_cut(storage: LocalStorage) -> None:
    storage.append("acme", PATH, 0, b"0123456789")
    storage.append("acme", PATH, 4, b"ab")
    assert content(storage) == b"0123ab"
    storage.append("acme", PATH, 6, b"left by a crash")
    storage.finish("acme", PATH, 6)
    assert content(storage) == b"0123ab"


def test_a_finished_file_goes_on_when_its_commit_failed(storage: LocalStorage) -> None:
    storage.append("acme", PATH, 0, b"abc")
    storage.finish("acme", PATH, 3)
    storage.append("acme", PATH, 3, b"def")
    storage.finish("acme", PATH, 6)
    storage.finish("acme", PATH, 6)
    assert content(storage) == b"abcdef"


def test_a_file_that_lost_bytes_is_not_filled_with_zeros(storage: LocalStorage) -> None:
    storage.append("acme", PATH, 0, b"abc")
    with pytest.raises(RefusedError) as error:
        storage.append("acme", PATH, 5, b"x")
    assert refusal(error) is Reason.FILE_STORE_UNAVAILABLE
    with pytest.raises(RefusedError):
        storage.finish("acme", PATH, 4)


def test_a_kept_file_appears_whole_with_its_size_and_hash(
    storage: LocalStorage, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"abc")
    stored = storage.keep("acme", PATH, source)
    assert stored.size_bytes == 3
    assert stored.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert content(storage, 1) == b"bc"
    assert [p.name for p in (tmp_path / "files").rglob("*.*")] == [f"{FILE_ID}.csv"]


@contextmanager
def room_for(size_bytes: int) -> Iterator[None]:
    """Has writes fail past a size, as they do on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_a_refusal_and_leaves_nothing(storage: LocalStorage, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x" * 5_000)
    with room_for(1_000), pytest.raises(RefusedError) as error:
        storage.keep("acme", PATH, tmp_path / "source")
    assert refusal(error) is Reason.FILE_STORE_UNAVAILABLE
    assert list(storage.leftovers(-1)) == []


def test_an_upload_goes_on_after_the_disk_was_full(storage: LocalStorage) -> None:
    storage.append("acme", PATH, 0, b"a" * 900)
    with room_for(1_000), pytest.raises(RefusedError) as error:
        storage.append("acme", PATH, 900, b"b" * 900)
    assert refusal(error) is Reason.FILE_STORE_UNAVAILABLE
    storage.append("acme", PATH, 900, b"b" * 900)
    storage.finish("acme", PATH, 1_800)
    assert content(storage) == b"a" * 900 + b"b" * 900


def test_a_storage_that_is_not_there_is_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "files").write_bytes(b"not a directory")
    storage = LocalStorage(tmp_path / "files")
    for touch in (storage.check, lambda: storage.append("acme", PATH, 0, b"x")):
        with pytest.raises(RefusedError) as error:
            touch()
        assert refusal(error) is Reason.FILE_STORE_UNAVAILABLE
        assert error.value.failure.retry_after_ms > 0


def test_the_check_leaves_nothing_behind(storage: LocalStorage, tmp_path: Path) -> None:
    storage.check()
    assert list((tmp_path / "files").iterdir()) == []
