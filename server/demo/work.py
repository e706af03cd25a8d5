"""Uploads files, starts jobs and follows them, and downloads what they made."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path

from google.protobuf.json_format import Parse

from howdah.documents.v1 import documents_pb2
from howdah.documents.v1.documents_pb2_grpc import DocumentsServiceStub
from howdah.files.v1 import files_pb2
from howdah.files.v1.files_pb2_grpc import FilesServiceStub
from howdah.jobs.v1 import jobs_pb2
from howdah.jobs.v1.jobs_pb2_grpc import JobsServiceStub
from howdah.records.v1 import records_pb2
from howdah.records.v1.records_pb2_grpc import RecordsServiceStub
from howdah_client import HowdahError, SignedChannel
from server.demo.callers import DemoTenant
from server.demo.screen import StepFailedError

CHUNK_BYTES = 64 * 1024
SECONDS = 10.0
JOB_SECONDS = 300.0
OFFSET_MISMATCH = "UPLOAD_OFFSET_MISMATCH"


def upload(channel: SignedChannel, path: Path, told: Callable[[int, int], None]) -> str:
    """Uploads a file and returns its id; goes on where an interrupted append left off."""
    files, content = FilesServiceStub(channel), path.read_bytes()
    created = files.CreateUpload(
        files_pb2.CreateUploadRequest(filename=path.name, idempotency_key=str(uuid.uuid4())),
        timeout=SECONDS,
    )
    file_id, offset = created.file.file_id, 0
    while offset < len(content):
        request = files_pb2.AppendUploadRequest(
            file_id=file_id, offset=offset, data=content[offset : offset + CHUNK_BYTES]
        )
        try:
            offset = files.AppendUpload(request, timeout=SECONDS).file.size_bytes
        except HowdahError as error:
            if error.reason != OFFSET_MISMATCH:
                raise
            found = files.GetFile(files_pb2.GetFileRequest(file_id=file_id), timeout=SECONDS)
            offset = found.file.size_bytes
        told(offset, len(content))
    files.CompleteUpload(
        files_pb2.CompleteUploadRequest(
            file_id=file_id,
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            idempotency_key=str(uuid.uuid4()),
        ),
        timeout=SECONDS,
    )
    return file_id


def start_import(channel: SignedChannel, file_id: str, mapping: Path) -> jobs_pb2.Job:
    """Starts the import of an uploaded file."""
    request = records_pb2.StartImportRequest(
        file_id=file_id,
        mapping=Parse(mapping.read_text("utf-8"), records_pb2.ImportMapping()),
        idempotency_key=str(uuid.uuid4()),
    )
    return RecordsServiceStub(channel).StartImport(request, timeout=SECONDS).job


def start_workbook(channel: SignedChannel, tenant: DemoTenant) -> jobs_pb2.Job:
    """Starts the sales workbook over all of the tenant's data."""
    request = documents_pb2.StartWorkbookRequest(
        start_date=tenant.start_date,
        end_date=tenant.end_date,
        currency=tenant.currency,
        title=f"{tenant.name}: sales",
        idempotency_key=str(uuid.uuid4()),
    )
    return DocumentsServiceStub(channel).StartWorkbook(request, timeout=SECONDS).job


def follow(
    channel: SignedChannel, job: jobs_pb2.Job, told: Callable[[jobs_pb2.Job], None]
) -> jobs_pb2.Job:
    """Watches a job to its end; raises StepFailedError where that is no success."""
    told(job)
    request = jobs_pb2.WatchJobRequest(job_id=job.job_id)
    for change in JobsServiceStub(channel).WatchJob(request, timeout=JOB_SECONDS):
        job = change.job
        told(job)
    if job.state != jobs_pb2.JOB_STATE_SUCCEEDED:
        state = jobs_pb2.JobState.Name(job.state)
        reason = f"{job.error.reason} {job.error.message}".strip()
        raise StepFailedError(f"Job {job.job_id} ended as {state}. {reason}")
    return job


def download(channel: SignedChannel, file_id: str, directory: Path) -> tuple[Path, int, str]:
    """Downloads a file; returns where it is, its size and its SHA-256, which was checked."""
    directory.mkdir(parents=True, exist_ok=True)
    pieces = FilesServiceStub(channel).DownloadFile(
        files_pb2.DownloadFileRequest(file_id=file_id), timeout=JOB_SECONDS
    )
    first = next(pieces)
    path, digest, size = directory / Path(first.file.filename).name, hashlib.sha256(), 0
    with path.open("wb") as stream:
        for data in (first.data, *(piece.data for piece in pieces)):
            digest.update(data)
            size += stream.write(data)
    if (size, digest.hexdigest()) != (first.file.size_bytes, first.file.sha256):
        raise StepFailedError(f"{path} is not what the node keeps.")
    return path, size, digest.hexdigest()
