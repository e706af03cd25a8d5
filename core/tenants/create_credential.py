"""Creates a credential and shows its secret, once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.context import ALL_TENANTS, Context
from core.failures import field_invalid, not_found
from core.platform.secrets import SecretBox
from core.platform.system_database import SystemDatabase, SystemTransaction
from core.result import Err, Ok, Result
from core.tenants import store
from core.tenants.credential import PERMISSIONS, Credential, IssuedCredential

SECRET_BYTES = 32
OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class NewCredential:
    """Asks for a credential for some tenants, or for all with `*` alone."""

    tenant_ids: tuple[str, ...]
    roles: tuple[str, ...]
    description: str = ""
    lifetime: timedelta | None = None


@dataclass(frozen=True, slots=True)
class CreateCredential:
    """Creates a credential; refuses tenants and roles that are not there."""

    system: SystemDatabase
    secrets: SecretBox

    def __call__(self, _context: Context, command: NewCredential) -> Result[IssuedCredential]:
        """Returns the credential with its secret."""
        if ALL_TENANTS in command.tenant_ids and len(command.tenant_ids) > 1:
            return Err(field_invalid("tenant_ids", "`*` stands alone"))
        if unknown := sorted(set(command.roles) - PERMISSIONS.keys()):
            return Err(field_invalid("roles", f"there is no role {unknown[0]!r}"))
        if OPERATOR in command.roles and ALL_TENANTS not in command.tenant_ids:
            return Err(field_invalid("roles", "`operator` goes with the tenants `*`"))
        if command.lifetime is not None and command.lifetime <= timedelta(0):
            return Err(field_invalid("lifetime", "must be longer than 0"))
        with self.system.begin() as transaction:
            named = [tenant for tenant in command.tenant_ids if tenant != ALL_TENANTS]
            if missing := store.unknown_tenants(transaction, named):
                return Err(not_found("tenant", missing[0]))
            now = datetime.now(UTC)
            end = None if command.lifetime is None else now + command.lifetime
            issued = issue(transaction, self.secrets, command, now, end)
        return Ok(issued)


def issue(
    transaction: SystemTransaction,
    box: SecretBox,
    command: NewCredential,
    now: datetime,
    not_after: datetime | None,
) -> IssuedCredential:
    """Makes a key id and a secret, and stores them."""
    owner = "node" if ALL_TENANTS in command.tenant_ids else command.tenant_ids[0]
    credential = Credential(
        key_id=f"{owner[:40]}-{secrets.token_hex(6)}",
        description=command.description,
        tenant_ids=command.tenant_ids,
        roles=command.roles,
        not_before=now,
        not_after=not_after,
        revoked_at=None,
        created_at=now,
    )
    secret = secrets.token_bytes(SECRET_BYTES)
    sealed = box.seal(secret, f"credential {credential.key_id}")
    if not store.insert_credential(transaction, credential, sealed):
        message = f"two credentials drew the same key id {credential.key_id}"
        raise RuntimeError(message)
    return IssuedCredential(credential, secret.hex())
