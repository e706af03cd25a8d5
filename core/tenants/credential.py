"""Is what a caller proves itself with, and what its roles allow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from core.context import Principal

VIEWER = frozenset({"node.read", "records.read", "analytics.read", "jobs.read", "files.read"})
EDITOR = VIEWER | {"records.write", "documents.write", "files.write", "jobs.manage"}
# A role grants everything the role before it grants. Only the operator manages the node itself.
PERMISSIONS: dict[str, frozenset[str]] = {
    "viewer": VIEWER,
    "editor": EDITOR,
    "admin": EDITOR,
    "operator": EDITOR | {"tenants.manage"},
}


@dataclass(frozen=True, slots=True)
class Credential:
    """Is one credential without its secret."""

    key_id: str
    description: str
    tenant_ids: tuple[str, ...]
    roles: tuple[str, ...]
    not_before: datetime
    not_after: datetime | None
    revoked_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """Is a new credential with its secret, 64 hexadecimal digits, which is shown this once."""

    credential: Credential
    secret: str
    replaced: Credential | None = None


def principal(key_id: str, tenant_ids: Iterable[str], roles: Iterable[str]) -> Principal:
    """Returns who the caller is; a role nobody knows grants nothing."""
    named = frozenset(roles)
    granted: frozenset[str] = frozenset().union(*(PERMISSIONS.get(r, frozenset()) for r in named))
    return Principal(key_id, frozenset(tenant_ids), named, granted)
