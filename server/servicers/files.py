"""Answers the calls of FilesService."""

from __future__ import annotations

from core.files.use_cases import Files
from howdah.files.v1 import files_pb2 as pb
from server.codec import files as codec
from server.service import Service, Stream, Unary


def files_service(files: Files) -> Service:
    """Returns the table of the service."""
    return Service(
        pb.DESCRIPTOR.services_by_name["FilesService"],
        {
            "CreateUpload": Unary(codec.new_upload, files.create_upload, codec.created),
            "AppendUpload": Unary(codec.chunk, files.append_upload, codec.appended),
            "CompleteUpload": Unary(codec.completion, files.complete_upload, codec.completed),
            "GetFile": Unary(codec.file_id, files.get, codec.found),
            "DownloadFile": Stream(codec.file_range, files.download, codec.part),
            "DeleteFile": Unary(codec.file_id, files.delete, codec.deleted),
        },
    )
