"""Is what a caller proves itself with, and what its roles allow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from core.context import ALL_TENANTS, Principal

VIEWER = frozenset(
    {
        "node.read",
        "records.read",
        "analytics.read",
        "jobs.read",
        "files.read",
        "schedules.read",
        "webhooks.read",
    }
)
EDITOR = VIEWER | {
    "records.write",
    "documents.write",
    "files.write",
    "jobs.submit",
    "jobs.manage",
    "schedules.write",
}
# A webhook carries data out of the node, and its secret is told to whoever makes it.
ADMIN = EDITOR | {"webhooks.write"}
# What concerns the node as a whole, and so every tenant.
NODE_PERMISSIONS = frozenset({"tenants.manage", "jobs.operate"})
# A role grants everything the role before it grants. Only the operator manages the node itself.
PERMISSIONS: dict[str, frozenset[str]] = {
    "viewer": VIEWER,
    "editor": EDITOR,
    "admin": ADMIN,
    "operator": ADMIN | NODE_PERMISSIONS,
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

    def is_live(self, moment: datetime) -> bool:
        """Tells whether the credential has begun, has not ended, and was not revoked."""
        ended = self.not_after is not None and moment >= self.not_after
        return self.revoked_at is None and not ended and moment >= self.not_before


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """Is a new credential with its secret, 64 hexadecimal digits, which is shown this once."""

    credential: Credential
    secret: str
    replaced: Credential | None = None


def principal(key_id: str, tenant_ids: Iterable[str], roles: Iterable[str]) -> Principal:
    """Returns who the caller is; a role nobody knows grants nothing.

    Whoever may not act for all tenants may not manage them either, whatever the role.
    """
    tenants, named = frozenset(tenant_ids), frozenset(roles)
    granted: frozenset[str] = frozenset().union(*(PERMISSIONS.get(r, frozenset()) for r in named))
    if ALL_TENANTS not in tenants:
        granted -= NODE_PERMISSIONS
    return Principal(key_id, tenants, named, granted)
