"""Reads and writes tenants, credentials and the keys of bearer tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from core.platform.system_database import SystemTransaction
from core.tenants.credential import Credential
from core.tenants.tenant import Tenant

TENANT = "tenant_id, display_name, time_zone, currency, created_at"
CREDENTIAL = "key_id, description, tenant_ids, roles, not_before, not_after, revoked_at, created_at"


def insert_tenant(
    transaction: SystemTransaction, tenant_id: str, display_name: str, time_zone: str, currency: str
) -> Tenant | None:
    """Stores a tenant; returns None where the id is taken."""
    row = transaction.one(
        "INSERT INTO tenants (tenant_id, display_name, time_zone, currency)"
        " VALUES (:tenant_id, :display_name, :time_zone, :currency)"
        f" ON CONFLICT DO NOTHING RETURNING {TENANT}",
        {
            "tenant_id": tenant_id,
            "display_name": display_name,
            "time_zone": time_zone,
            "currency": currency,
        },
    )
    return None if row is None else Tenant(**row)


def find_tenant(transaction: SystemTransaction, tenant_id: str) -> Tenant | None:
    """Returns the tenant, or None."""
    row = transaction.one(
        f"SELECT {TENANT} FROM tenants WHERE tenant_id = :tenant_id", {"tenant_id": tenant_id}
    )
    return None if row is None else Tenant(**row)


def list_tenants(transaction: SystemTransaction, after: str, limit: int) -> list[Tenant]:
    """Returns up to `limit` tenants whose id comes after `after`."""
    rows = transaction.all(
        f"SELECT {TENANT} FROM tenants WHERE tenant_id > :after ORDER BY tenant_id LIMIT :limit",
        {"after": after, "limit": limit},
    )
    return [Tenant(**row) for row in rows]


def unknown_tenants(transaction: SystemTransaction, tenant_ids: Sequence[str]) -> list[str]:
    """Returns those of the ids that no tenant has."""
    rows = transaction.all(
        "SELECT given FROM unnest(CAST(:given AS text[])) AS given"
        " WHERE NOT EXISTS (SELECT FROM tenants WHERE tenant_id = given) ORDER BY given",
        {"given": list(tenant_ids)},
    )
    return [row["given"] for row in rows]


def insert_credential(
    transaction: SystemTransaction, credential: Credential, secret_ciphertext: bytes
) -> bool:
    """Stores a new credential; tells whether its key id was free."""
    values = asdict(credential) | {
        "tenant_ids": list(credential.tenant_ids),
        "roles": list(credential.roles),
        "secret_ciphertext": secret_ciphertext,
    }
    stored = transaction.execute(
        f"INSERT INTO credentials ({CREDENTIAL}, secret_ciphertext) VALUES (:key_id, :description,"
        " :tenant_ids, :roles, :not_before, :not_after, :revoked_at, :created_at,"
        " :secret_ciphertext) ON CONFLICT DO NOTHING",
        values,
    )
    return stored.rowcount == 1


def find_credential(
    transaction: SystemTransaction, key_id: str, *, lock: bool = False
) -> tuple[Credential, bytes] | None:
    """Returns the credential and its encrypted secret, or None; `lock` holds it until the end."""
    row = transaction.one(
        f"SELECT {CREDENTIAL}, secret_ciphertext FROM credentials WHERE key_id = :key_id"
        + (" FOR UPDATE" if lock else ""),
        {"key_id": key_id},
    )
    return None if row is None else (_credential(row), bytes(row["secret_ciphertext"]))


def list_credentials(
    transaction: SystemTransaction, tenant_id: str, after: str, limit: int
) -> list[Credential]:
    """Returns up to `limit` credentials after `after`; an empty `tenant_id` means of all."""
    rows = transaction.all(
        f"SELECT {CREDENTIAL} FROM credentials WHERE key_id > :after"
        " AND (:tenant_id = '' OR tenant_ids && ARRAY[:tenant_id, '*'])"
        " ORDER BY key_id LIMIT :limit",
        {"tenant_id": tenant_id, "after": after, "limit": limit},
    )
    return [_credential(row) for row in rows]


def end_credential(transaction: SystemTransaction, key_id: str, not_after: datetime) -> Credential:
    """Brings the end of a credential forward to `not_after`; a nearer end stays."""
    row = transaction.one(
        "UPDATE credentials SET not_after = LEAST(not_after, :not_after) WHERE key_id = :key_id"
        f" RETURNING {CREDENTIAL}",
        {"key_id": key_id, "not_after": not_after},
    )
    if row is None:
        message = f"the credential {key_id} vanished while it was locked"
        raise RuntimeError(message)
    return _credential(row)


def revoke_credential(transaction: SystemTransaction, key_id: str) -> Credential | None:
    """Ends the credential now; a second time changes nothing. Returns None where there is none."""
    row = transaction.one(
        "UPDATE credentials SET revoked_at = COALESCE(revoked_at, now()) WHERE key_id = :key_id"
        f" RETURNING {CREDENTIAL}",
        {"key_id": key_id},
    )
    return None if row is None else _credential(row)


def newest_issuer_key(transaction: SystemTransaction) -> Mapping[str, Any] | None:
    """Returns the key that signs new tokens, or None before the first."""
    return transaction.one(
        "SELECT issuer_key_id, public_key, private_key_ciphertext FROM issuer_keys"
        " WHERE retired_at IS NULL ORDER BY created_at DESC LIMIT 1"
    )


def find_issuer_key(transaction: SystemTransaction, issuer_key_id: str) -> bytes | None:
    """Returns the public key, or None where it is not known or retired."""
    row = transaction.one(
        "SELECT public_key FROM issuer_keys WHERE issuer_key_id = :id AND retired_at IS NULL",
        {"id": issuer_key_id},
    )
    return None if row is None else bytes(row["public_key"])


def insert_issuer_key(
    transaction: SystemTransaction, issuer_key_id: str, public: bytes, private_ciphertext: bytes
) -> None:
    """Stores a key for bearer tokens."""
    transaction.execute(
        "INSERT INTO issuer_keys (issuer_key_id, public_key, private_key_ciphertext)"
        " VALUES (:id, :public, :private)",
        {"id": issuer_key_id, "public": public, "private": private_ciphertext},
    )


def _credential(row: Mapping[str, Any]) -> Credential:
    return Credential(
        key_id=row["key_id"],
        description=row["description"],
        tenant_ids=tuple(row["tenant_ids"]),
        roles=tuple(row["roles"]),
        not_before=row["not_before"],
        not_after=row["not_after"],
        revoked_at=row["revoked_at"],
        created_at=row["created_at"],
    )
