"""Joins what can be done with files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core.config import Settings
from core.files.append_upload import AppendUpload
from core.files.complete_upload import CompleteUpload
from core.files.create_upload import CreateUpload
from core.files.delete_file import DeleteFile
from core.files.download_file import DownloadFile
from core.files.get_file import GetFile
from core.files.keep import FileKeeper
from core.files.open_file import OpenFile
from core.files.sweep_files import SweepFiles
from core.platform.database import Database
from core.platform.storage import Storage
from core.platform.system_database import SystemDatabase


@dataclass(frozen=True, slots=True)
class Files:
    """Holds the use cases of files, and the keeper that jobs write theirs with."""

    create_upload: CreateUpload
    append_upload: AppendUpload
    complete_upload: CompleteUpload
    get: GetFile
    open: OpenFile
    download: DownloadFile
    delete: DeleteFile
    sweep: SweepFiles
    keeper: FileKeeper


def files_use_cases(
    settings: Settings, database: Database, system: SystemDatabase, storage: Storage
) -> Files:
    """Returns the use cases of files over one storage."""
    lifetime = timedelta(hours=settings.file_lifetime_hours)
    opening = OpenFile(database, storage)
    return Files(
        create_upload=CreateUpload(database, lifetime),
        append_upload=AppendUpload(database, storage, settings.max_file_bytes),
        complete_upload=CompleteUpload(database, storage, lifetime),
        get=GetFile(database),
        open=opening,
        download=DownloadFile(opening),
        delete=DeleteFile(database, storage),
        sweep=SweepFiles(system, storage),
        keeper=FileKeeper(storage, lifetime),
    )
