"""Proves uploads, downloads and the order of a workbook over a channel."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from typing import TypeVar

import pytest
from google.protobuf.message import Message

from howdah.documents.v1 import documents_pb2
from howdah.files.v1 import files_pb2 as pb
from howdah.jobs.v1 import jobs_pb2
from tests.rpc.conftest import Answer, Caller, RunningNode, an_idempotency_key

FILES = "/howdah.files.v1.FilesService"
DOCUMENTS = "/howdah.documents.v1.DocumentsService"
CONTENT = os.urandom(3 * 1024 * 1024 + 700_001)
PIECE = 3 * 1024 * 1024
M = TypeVar("M", bound=Message)


def answered(answer: Answer, response: type[M]) -> M:
    assert answer.code == "OK", answer
    message = response()
    message.ParseFromString(answer.messages[0])
    return message


def created(caller: Caller, **fields: str) -> pb.File:
    request = pb.CreateUploadRequest(filename="sales.csv", **fields)
    return answered(caller.call(f"{FILES}/CreateUpload", request), pb.CreateUploadResponse).file


def appended(caller: Caller, file_id: str, offset: int, data: bytes) -> Answer:
    request = pb.AppendUploadRequest(file_id=file_id, offset=offset, data=data)
    return caller.call(f"{FILES}/AppendUpload", request)


def completed(caller: Caller, file_id: str, content: bytes = CONTENT, **fields: str) -> Answer:
    request = pb.CompleteUploadRequest(
        file_id=file_id,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        **fields,
    )
    return caller.call(f"{FILES}/CompleteUpload", request)


def uploaded(caller: Caller, content: bytes = CONTENT) -> pb.File:
    file = created(caller)
    for offset in range(0, len(content), PIECE):
        assert appended(caller, file.file_id, offset, content[offset : offset + PIECE]).code == "OK"
    return answered(completed(caller, file.file_id, content), pb.CompleteUploadResponse).file


def downloaded(caller: Caller, file_id: str, offset: int = 0) -> list[pb.DownloadFileResponse]:
    request = pb.DownloadFileRequest(file_id=file_id, offset=offset)
    answer = caller.call(f"{FILES}/DownloadFile", request)
    assert answer.code == "OK", answer
    return [pb.DownloadFileResponse.FromString(message) for message in answer.messages]


def test_a_file_goes_up_in_pieces_and_comes_down_in_chunks(running: RunningNode) -> None:
    file = uploaded(running.acme)
    assert (file.state, file.size_bytes) == (pb.FILE_STATE_READY, len(CONTENT))
    assert file.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert file.media_type == "application/octet-stream"
    assert file.create_time.ToSeconds() < file.expire_time.ToSeconds()
    assert re.fullmatch(rf"tenant_acme/upload/\d{{4}}/\d\d/{file.file_id}\.csv", file.path)
    parts = downloaded(running.acme, file.file_id)
    assert parts[0].file == file
    assert not any(part.HasField("file") for part in parts[1:])
    assert max(len(part.data) for part in parts) == 256 * 1024
    assert b"".join(part.data for part in parts) == CONTENT
    last = downloaded(running.acme, file.file_id, len(CONTENT) - 10)
    assert [part.data for part in last] == [CONTENT[-10:]]


def test_an_upload_that_broke_goes_on_where_the_node_says(running: RunningNode) -> None:
    file = created(running.acme)
    assert appended(running.acme, file.file_id, 0, CONTENT[:1000]).code == "OK"
    refused = appended(running.acme, file.file_id, 2000, CONTENT[2000:3000])
    assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "UPLOAD_OFFSET_MISMATCH")
    offset = int(refused.metadata["expected_offset"])
    assert offset == 1000
    assert appended(running.acme, file.file_id, 0, CONTENT[:1000]).code == "OK"
    assert appended(running.acme, file.file_id, offset, CONTENT[offset:9000]).code == "OK"
    wrong = completed(running.acme, file.file_id, CONTENT[:8999] + b"?")
    assert wrong.reason in {"UPLOAD_CHECKSUM_MISMATCH", "UPLOAD_INCOMPLETE"}
    early = running.acme.call(f"{FILES}/DownloadFile", pb.DownloadFileRequest(file_id=file.file_id))
    assert (early.code, early.reason) == ("FAILED_PRECONDITION", "FILE_NOT_READY")
    assert completed(running.acme, file.file_id, CONTENT[:9000]).code == "OK"
    late = appended(running.acme, file.file_id, 9000, b"late")
    assert late.reason == "UPLOAD_COMPLETED"


def test_a_repeated_create_and_complete_answer_alike(running: RunningNode) -> None:
    key = an_idempotency_key()
    file = created(running.acme, idempotency_key=key)
    assert created(running.acme, idempotency_key=key) == file
    assert appended(running.acme, file.file_id, 0, b"abc").code == "OK"
    key = an_idempotency_key()
    first = completed(running.acme, file.file_id, b"abc", idempotency_key=key)
    assert completed(running.acme, file.file_id, b"abc", idempotency_key=key).messages == (
        first.messages
    )


@pytest.mark.parametrize("filename", ["", "../../etc/passwd", "a/b", "a\\b", "a\x00b", "x" * 256])
def test_a_filename_that_is_a_path_is_refused(running: RunningNode, filename: str) -> None:
    refused = running.acme.call(f"{FILES}/CreateUpload", pb.CreateUploadRequest(filename=filename))
    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "FIELDS_INVALID")
    assert refused.fields == ("filename",)


def test_another_tenants_file_is_not_found(running: RunningNode) -> None:
    file_id = uploaded(running.acme, b"acme's").file_id
    for method, request in (
        ("GetFile", pb.GetFileRequest(file_id=file_id)),
        ("DownloadFile", pb.DownloadFileRequest(file_id=file_id)),
        ("DeleteFile", pb.DeleteFileRequest(file_id=file_id)),
        ("AppendUpload", pb.AppendUploadRequest(file_id=file_id, data=b"x")),
    ):
        refused = running.globex.call(f"{FILES}/{method}", request)
        assert (refused.code, refused.reason) == ("NOT_FOUND", "RESOURCE_NOT_FOUND"), method
    assert downloaded(running.acme, file_id)[0].data == b"acme's"


def test_a_deleted_file_is_gone(running: RunningNode) -> None:
    file_id = uploaded(running.acme, b"short-lived").file_id
    deletion = pb.DeleteFileRequest(file_id=file_id)
    assert running.acme.call(f"{FILES}/DeleteFile", deletion).code == "OK"
    assert running.acme.call(f"{FILES}/DeleteFile", deletion).reason == "RESOURCE_NOT_FOUND"
    unknown = pb.GetFileRequest(file_id=str(uuid.uuid4()))
    assert running.acme.call(f"{FILES}/GetFile", unknown).reason == "RESOURCE_NOT_FOUND"


def test_a_repeated_order_of_a_workbook_answers_with_the_same_job(running: RunningNode) -> None:
    request = documents_pb2.StartWorkbookRequest(
        start_date="2021-01-01", end_date="2022-07-01", idempotency_key=an_idempotency_key()
    )
    first = running.acme.call(f"{DOCUMENTS}/StartWorkbook", request)
    job = answered(first, documents_pb2.StartWorkbookResponse).job
    assert job.kind == "documents.workbook"
    assert job.state in {jobs_pb2.JOB_STATE_QUEUED, jobs_pb2.JOB_STATE_DISPATCHED}
    again = running.acme.call(f"{DOCUMENTS}/StartWorkbook", request)
    assert answered(again, documents_pb2.StartWorkbookResponse).job.job_id == job.job_id


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("2021-01-01", "2021-01-01", "end_date"),
        ("2021-02-30", "2021-03-01", "start_date"),
        ("0001-01-01", "0001-01-02", "start_date"),
        ("2001-01-01", "2021-01-01", "end_date"),
    ],
)
def test_a_workbook_of_no_period_is_refused(
    running: RunningNode, start: str, end: str, field: str
) -> None:
    request = documents_pb2.StartWorkbookRequest(
        start_date=start, end_date=end, idempotency_key=an_idempotency_key()
    )
    refused = running.acme.call(f"{DOCUMENTS}/StartWorkbook", request)
    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "FIELDS_INVALID")
    assert field in refused.fields
