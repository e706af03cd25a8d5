"""Reads and writes the rows of files."""

from __future__ import annotations

from dataclasses import asdict

from core.context import Context
from core.files.file import File, FileState
from core.platform.database import Database
from core.platform.postgres import Row
from core.platform.system_database import SystemTransaction
from core.platform.unit_of_work import UnitOfWork


def insert(unit: UnitOfWork, file: File) -> None:
    """Adds a file."""
    unit.execute(
        "INSERT INTO files (tenant_id, file_id, kind, state, filename, media_type, path,"
        " size_bytes, sha256, created_at, expires_at) VALUES (:tenant_id, :file_id, :kind, :state,"
        " :filename, :media_type, :path, :size_bytes, :sha256, :created_at, :expires_at)",
        {"tenant_id": unit.context.tenant_id, **asdict(file)},
    )


def read(database: Database, context: Context, file_id: str) -> File | None:
    """Returns a file that has not expired, in one round trip."""
    row = database.read_one(
        context,
        "SELECT * FROM files WHERE tenant_id = %(tenant_id)s AND file_id = %(file_id)s"
        " AND expires_at > now()",
        {"tenant_id": context.tenant_id, "file_id": file_id},
    )
    return None if row is None else _file(row)


def lock(unit: UnitOfWork, file_id: str) -> File | None:
    """Returns a file that has not expired, and holds others off until the transaction ends."""
    row = unit.one(
        "SELECT * FROM files WHERE tenant_id = :tenant_id AND file_id = :file_id"
        " AND expires_at > now() FOR UPDATE",
        {"tenant_id": unit.context.tenant_id, "file_id": file_id},
    )
    return None if row is None else _file(row)


def update(unit: UnitOfWork, file: File) -> None:
    """Writes how far an upload is."""
    unit.execute(
        "UPDATE files SET state = :state, size_bytes = :size_bytes, sha256 = :sha256,"
        " expires_at = :expires_at WHERE tenant_id = :tenant_id AND file_id = :file_id",
        {"tenant_id": unit.context.tenant_id, **asdict(file)},
    )


def delete(unit: UnitOfWork, file_id: str) -> File | None:
    """Removes a file that has not expired and returns it, or None."""
    row = unit.one(
        "DELETE FROM files WHERE tenant_id = :tenant_id AND file_id = :file_id"
        " AND expires_at > now() RETURNING *",
        {"tenant_id": unit.context.tenant_id, "file_id": file_id},
    )
    return None if row is None else _file(row)


def delete_expired(transaction: SystemTransaction, limit: int) -> list[tuple[str, str]]:
    """Removes up to `limit` expired files of all tenants; returns their tenants and paths."""
    rows = transaction.all(
        "DELETE FROM files WHERE (tenant_id, file_id) IN (SELECT tenant_id, file_id FROM files"
        " WHERE expires_at <= now() ORDER BY expires_at LIMIT :limit)"
        " RETURNING tenant_id, path",
        {"limit": limit},
    )
    return [(row["tenant_id"], row["path"]) for row in rows]


def known(transaction: SystemTransaction, ids: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Returns those pairs of tenant and file id that have a row."""
    rows = transaction.all(
        "SELECT tenant_id, file_id FROM files"
        " JOIN unnest(CAST(:tenants AS text[]), CAST(:files AS uuid[])) AS asked"
        " (tenant_id, file_id) USING (tenant_id, file_id)",
        {"tenants": [tenant for tenant, _ in ids], "files": [file for _, file in ids]},
    )
    return {(row["tenant_id"], str(row["file_id"])) for row in rows}


def _file(row: Row) -> File:
    return File(
        file_id=str(row["file_id"]),
        kind=row["kind"],
        state=FileState(row["state"]),
        filename=row["filename"],
        media_type=row["media_type"],
        path=row["path"],
        size_bytes=row["size_bytes"],
        sha256=row["sha256"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )
