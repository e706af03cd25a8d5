"""Proves that files are taken in pieces, checked, handed out and cleaned up, a tenant at a time."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.config import Settings
from core.context import Context, Idempotency
from core.failures import Failure, RefusedError
from core.files.append_upload import Chunk
from core.files.complete_upload import Completion
from core.files.create_upload import NewUpload
from core.files.download_file import CHUNK_BYTES, FileRange
from core.files.file import File, FileState
from core.files.use_cases import Files, files_use_cases
from core.platform.idempotency import AlreadyAnsweredError
from core.platform.local_storage import LocalStorage
from core.reasons import Reason
from core.result import Err, Ok, Result
from tests.conftest import Databases

CONTENT = os.urandom(700_000)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def files(databases: Databases, root: Path) -> Files:
    settings = Settings(max_file_bytes=1_000_000)
    return files_use_cases(settings, databases.app, databases.system, LocalStorage(root))


def value(result: Result[Any]) -> Any:
    assert isinstance(result, Ok), result
    return result.value


def failure(result: Result[Any]) -> Failure:
    assert isinstance(result, Err), result
    return result.failure


def reason(result: Result[Any]) -> Reason:
    return failure(result).reason


def begun(files: Files, context: Context, filename: str = "sales.csv") -> File:
    file = value(files.create_upload(context, NewUpload(filename, "text/csv")))
    assert isinstance(file, File)
    return file


def completion(file_id: str, content: bytes = CONTENT) -> Completion:
    return Completion(file_id, len(content), hashlib.sha256(content).hexdigest())


def uploaded(files: Files, context: Context, content: bytes = CONTENT) -> File:
    file = begun(files, context)
    if content:
        value(files.append_upload(context, Chunk(file.file_id, 0, content)))
    complete = value(files.complete_upload(context, completion(file.file_id, content)))
    assert isinstance(complete, File)
    return complete


def downloaded(files: Files, context: Context, file_id: str, offset: int = 0) -> bytes:
    parts = list(value(files.download(context, FileRange(file_id, offset))))
    assert parts[0].file.file_id == file_id
    assert all(part.file is None for part in parts[1:])
    assert all(len(part.data) <= CHUNK_BYTES for part in parts)
    return b"".join(part.data for part in parts)


def sql(databases: Databases, statement: str, *parameters: Any) -> None:
    with psycopg.connect(databases.urls.admin, autocommit=True) as connection:
        connection.execute(statement, parameters)


def test_an_upload_in_pieces_comes_back_as_it_was(files: Files, acme: Context) -> None:
    file = begun(files, acme)
    assert (file.state, file.size_bytes, file.sha256) == (FileState.UPLOADING, 0, "")
    for offset in range(0, len(CONTENT), 250_000):
        piece = CONTENT[offset : offset + 250_000]
        file = value(files.append_upload(acme, Chunk(file.file_id, offset, piece)))
        assert file.size_bytes == offset + len(piece)
    file = value(files.complete_upload(acme, completion(file.file_id)))
    assert (file.state, file.size_bytes) == (FileState.READY, len(CONTENT))
    assert file.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert value(files.get(acme, file.file_id)) == file
    assert downloaded(files, acme, file.file_id) == CONTENT


def test_an_empty_file_is_a_file(files: Files, acme: Context) -> None:
    file = uploaded(files, acme, b"")
    assert downloaded(files, acme, file.file_id) == b""


@pytest.mark.parametrize("offset", [0, 1, CHUNK_BYTES, len(CONTENT) - 1, len(CONTENT)])
def test_a_download_goes_on_from_an_offset(files: Files, acme: Context, offset: int) -> None:
    file = uploaded(files, acme)
    assert downloaded(files, acme, file.file_id, offset) == CONTENT[offset:]


def test_an_offset_past_the_end_is_refused(files: Files, acme: Context) -> None:
    file = uploaded(files, acme)
    refused = failure(files.download(acme, FileRange(file.file_id, len(CONTENT) + 1)))
    assert refused.reason is Reason.FIELDS_INVALID
    assert refused.fields[0].field == "offset"


def test_the_same_bytes_again_change_nothing(files: Files, acme: Context) -> None:
    file = begun(files, acme)
    for chunk in (
        Chunk(file.file_id, 0, CONTENT[:1000]),
        Chunk(file.file_id, 0, CONTENT[:1000]),
        Chunk(file.file_id, 200, CONTENT[200:700]),
    ):
        assert value(files.append_upload(acme, chunk)).size_bytes == 1000
    value(files.append_upload(acme, Chunk(file.file_id, 1000, CONTENT[1000:])))
    value(files.complete_upload(acme, completion(file.file_id)))


@pytest.mark.parametrize(
    ("offset", "data"),
    [
        (1001, b"x"),  # a gap
        (500, b"y" * 10),  # other bytes where some are already
        (900, CONTENT[900:1100]),  # the same bytes and more
    ],
)
def test_bytes_that_do_not_fit_are_told_where_to_go_on(
    files: Files, acme: Context, offset: int, data: bytes
) -> None:
    file = begun(files, acme)
    value(files.append_upload(acme, Chunk(file.file_id, 0, CONTENT[:1000])))
    refused = failure(files.append_upload(acme, Chunk(file.file_id, offset, data)))
    assert refused.reason is Reason.UPLOAD_OFFSET_MISMATCH
    assert refused.metadata["expected_offset"] == "1000"
    assert value(files.get(acme, file.file_id)).size_bytes == 1000


def test_a_file_larger_than_the_limit_is_refused(files: Files, acme: Context) -> None:
    file = begun(files, acme)
    assert reason(files.append_upload(acme, Chunk(file.file_id, 900_000, b"x" * 100_001))) is (
        Reason.FILE_TOO_LARGE
    )


def test_a_wrong_size_or_checksum_is_refused_and_the_upload_goes_on(
    files: Files, acme: Context
) -> None:
    file = begun(files, acme)
    value(files.append_upload(acme, Chunk(file.file_id, 0, CONTENT[:1000])))
    refused = failure(files.complete_upload(acme, completion(file.file_id)))
    assert refused.reason is Reason.UPLOAD_INCOMPLETE
    assert refused.metadata["received_bytes"] == "1000"
    wrong = replace(completion(file.file_id, CONTENT[:1000]), sha256="0" * 64)
    assert reason(files.complete_upload(acme, wrong)) is Reason.UPLOAD_CHECKSUM_MISMATCH
    assert reason(files.download(acme, FileRange(file.file_id))) is Reason.FILE_NOT_READY
    value(files.append_upload(acme, Chunk(file.file_id, 1000, CONTENT[1000:])))
    value(files.complete_upload(acme, completion(file.file_id)))


def test_completing_again_changes_nothing_and_late_bytes_are_refused(
    files: Files, acme: Context
) -> None:
    file = uploaded(files, acme)
    assert value(files.complete_upload(acme, completion(file.file_id))) == file
    late = Chunk(file.file_id, len(CONTENT), b"late")
    assert reason(files.append_upload(acme, late)) is Reason.UPLOAD_COMPLETED
    other = completion(file.file_id, CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))
    assert reason(files.complete_upload(acme, other)) is Reason.UPLOAD_CHECKSUM_MISMATCH


def test_bytes_of_a_transaction_that_never_committed_do_not_count(
    files: Files, acme: Context, databases: Databases, root: Path
) -> None:
    file = begun(files, acme)
    value(files.append_upload(acme, Chunk(file.file_id, 0, CONTENT[:1000])))
    LocalStorage(root).append("acme", file.path, 1000, b"written, then the power went")
    assert value(files.get(acme, file.file_id)).size_bytes == 1000
    value(files.append_upload(acme, Chunk(file.file_id, 1000, CONTENT[1000:2000])))
    LocalStorage(root).append("acme", file.path, 2000, b"again")
    value(files.complete_upload(acme, completion(file.file_id, CONTENT[:2000])))
    sql(databases, "UPDATE files SET state = 'UPLOADING', sha256 = ''")  # as if not committed
    value(files.append_upload(acme, Chunk(file.file_id, 2000, CONTENT[2000:])))
    value(files.complete_upload(acme, completion(file.file_id)))
    assert downloaded(files, acme, file.file_id) == CONTENT


def test_of_many_at_once_exactly_one_appends(files: Files, acme: Context) -> None:
    file = begun(files, acme)
    pieces = [os.urandom(1000) for _ in range(8)]
    results: list[Result[File]] = []

    def append(piece: bytes) -> None:
        results.append(files.append_upload(acme, Chunk(file.file_id, 0, piece)))

    threads = [threading.Thread(target=append, args=(piece,)) for piece in pieces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(result, Ok) for result in results) == 1
    stored = {
        piece
        for piece in pieces
        if isinstance(files.complete_upload(acme, completion(file.file_id, piece)), Ok)
    }
    assert len(stored) == 1


def test_another_tenant_sees_no_file_by_its_id(
    files: Files, acme: Context, globex: Context, root: Path
) -> None:
    ready = uploaded(files, acme)
    open_still = begun(files, acme)
    for file in (ready, open_still):
        for answer in (
            files.get(globex, file.file_id),
            files.open(globex, file.file_id),
            files.download(globex, FileRange(file.file_id)),
            files.append_upload(globex, Chunk(file.file_id, 0, b"x")),
            files.complete_upload(globex, completion(file.file_id)),
            files.delete(globex, file.file_id),
        ):
            assert reason(answer) is Reason.RESOURCE_NOT_FOUND
    assert downloaded(files, acme, ready.file_id) == CONTENT
    assert not (root / "tenant_globex").exists()


def test_a_hostile_filename_stays_a_name(files: Files, acme: Context, root: Path) -> None:
    file = begun(files, acme, "../../../etc/cron.d/x.sh/../y")
    value(files.append_upload(acme, Chunk(file.file_id, 0, b"x")))
    written = [place for place in root.rglob("*") if place.is_file()]
    assert [place.name for place in written] == [f"{file.file_id}.bin.part"]


def test_a_deleted_file_is_gone_with_its_bytes(files: Files, acme: Context, root: Path) -> None:
    file = uploaded(files, acme)
    value(files.delete(acme, file.file_id))
    assert reason(files.get(acme, file.file_id)) is Reason.RESOURCE_NOT_FOUND
    assert reason(files.delete(acme, file.file_id)) is Reason.RESOURCE_NOT_FOUND
    assert not [place for place in root.rglob("*") if place.is_file()]


def test_a_repeated_create_answers_with_the_first_file(files: Files, acme: Context) -> None:
    once = replace(
        acme, idempotency=Idempotency("create", "k" * 16, b"f", lambda f: f.file_id.encode())
    )
    file = begun(files, once)
    with pytest.raises(AlreadyAnsweredError) as again:
        files.create_upload(once, NewUpload("sales.csv", "text/csv"))
    assert again.value.response == file.file_id.encode()


def test_a_download_ends_with_its_deadline(files: Files, acme: Context) -> None:
    file = uploaded(files, acme)
    parts: Iterator[Any] = value(files.download(acme, FileRange(file.file_id)))
    next(parts)
    late = replace(acme, deadline=0.0)
    parts_late = value(files.download(acme, FileRange(file.file_id)))
    assert next(parts_late).file == file
    with pytest.raises(RefusedError) as error:
        files.download(late, FileRange(file.file_id))
    assert error.value.failure.reason is Reason.DEADLINE_EXCEEDED
    parts.close()  # type: ignore[attr-defined]
    parts_late.close()


def test_an_expired_file_is_not_found_and_the_sweep_removes_it(
    files: Files, acme: Context, globex: Context, databases: Databases, root: Path
) -> None:
    expired = [uploaded(files, acme), begun(files, globex)]
    kept = uploaded(files, globex)
    value(files.append_upload(globex, Chunk(expired[1].file_id, 0, b"x")))
    for file in expired:
        sql(databases, "UPDATE files SET expires_at = now() WHERE file_id = %s", file.file_id)
    assert reason(files.get(acme, expired[0].file_id)) is Reason.RESOURCE_NOT_FOUND
    assert reason(files.download(acme, FileRange(expired[0].file_id))) is Reason.RESOURCE_NOT_FOUND
    assert reason(files.append_upload(globex, Chunk(expired[1].file_id, 1, b"x"))) is (
        Reason.RESOURCE_NOT_FOUND
    )
    report = files.sweep()
    assert (report.expired_files, report.orphans) == (2, 0)
    left = [place for place in root.rglob("*") if place.is_file()]
    assert left == [root / kept.path]
    assert files.sweep().expired_files == 0


def test_the_sweep_removes_day_old_bytes_that_no_row_names(
    files: Files, acme: Context, root: Path, tmp_path: Path
) -> None:
    source = tmp_path / "made"
    source.write_bytes(b"by a job that died")
    keep = uploaded(files, acme)
    open_still = begun(files, acme)
    value(files.append_upload(acme, Chunk(open_still.file_id, 0, b"x")))
    made = [
        files.keeper.write(acme, kind="report", filename="r.pdf", media_type="a/b", source=source)
        for _ in range(2)
    ]
    temporary = root / (made[0].path + ".tmp")
    temporary.write_bytes(b"half a copy")
    foreign = root / "tenant_acme" / "notes.txt"
    foreign.write_bytes(b"not ours")
    long_ago = (0, 0)
    partial = root / (open_still.path + ".part")
    for place in (root / keep.path, partial, root / made[0].path, temporary, foreign):
        os.utime(place, long_ago)
    assert files.sweep().orphans == 2
    left = {place for place in root.rglob("*") if place.is_file()}
    assert left == {root / keep.path, partial, root / made[1].path, foreign}


def test_a_kept_file_is_seen_once_its_transaction_commits(
    files: Files, acme: Context, databases: Databases, tmp_path: Path
) -> None:
    source = tmp_path / "made"
    source.write_bytes(CONTENT)
    file = files.keeper.write(
        acme, kind="workbook", filename="sales.xlsx", media_type="a/b", source=source
    )
    assert reason(files.get(acme, file.file_id)) is Reason.RESOURCE_NOT_FOUND
    with databases.app.begin(acme) as unit:
        files.keeper.record(unit, file)
    assert reason(files.get(acme, file.file_id)) is Reason.RESOURCE_NOT_FOUND
    with databases.app.begin(acme) as unit:
        files.keeper.record(unit, file)
        unit.commit(None)
    assert value(files.get(acme, file.file_id)) == file
    assert downloaded(files, acme, file.file_id) == CONTENT
