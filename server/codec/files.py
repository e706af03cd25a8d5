"""Turns messages of files into commands, and files into messages."""

from __future__ import annotations

from core.files.append_upload import Chunk
from core.files.complete_upload import Completion
from core.files.create_upload import NewUpload
from core.files.download_file import FilePart, FileRange
from core.files.file import File, FileState
from howdah.files.v1 import files_pb2 as pb

STATES = {
    "UPLOADING": pb.FILE_STATE_UPLOADING,
    "READY": pb.FILE_STATE_READY,
}


def new_upload(request: pb.CreateUploadRequest) -> NewUpload:
    """Reads a command."""
    return NewUpload(request.filename, request.media_type)


def chunk(request: pb.AppendUploadRequest) -> Chunk:
    """Reads a command."""
    return Chunk(request.file_id, request.offset, request.data)


def completion(request: pb.CompleteUploadRequest) -> Completion:
    """Reads a command."""
    return Completion(request.file_id, request.size_bytes, request.sha256)


def file_id(request: pb.GetFileRequest | pb.DeleteFileRequest) -> str:
    """Reads the id that is all there is to the request."""
    return request.file_id


def file_range(request: pb.DownloadFileRequest) -> FileRange:
    """Reads a query."""
    return FileRange(request.file_id, request.offset)


def file(value: File) -> pb.File:
    """Writes a file."""
    message = pb.File(
        file_id=value.file_id,
        state=STATES[value.state],
        filename=value.filename,
        media_type=value.media_type,
        size_bytes=value.size_bytes,
        sha256=value.sha256,
        path=value.path if value.state is FileState.READY else "",
    )
    message.create_time.FromDatetime(value.created_at)
    message.expire_time.FromDatetime(value.expires_at)
    return message


def part(value: FilePart) -> pb.DownloadFileResponse:
    """Writes one piece of a file."""
    message = pb.DownloadFileResponse(data=value.data)
    if value.file is not None:
        message.file.CopyFrom(file(value.file))
    return message


def created(value: File) -> pb.CreateUploadResponse:
    """Writes an answer."""
    return pb.CreateUploadResponse(file=file(value))


def appended(value: File) -> pb.AppendUploadResponse:
    """Writes an answer."""
    return pb.AppendUploadResponse(file=file(value))


def completed(value: File) -> pb.CompleteUploadResponse:
    """Writes an answer."""
    return pb.CompleteUploadResponse(file=file(value))


def found(value: File) -> pb.GetFileResponse:
    """Writes an answer."""
    return pb.GetFileResponse(file=file(value))


def deleted(_value: None) -> pb.DeleteFileResponse:
    """Writes an answer."""
    return pb.DeleteFileResponse()
