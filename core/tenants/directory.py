"""Keeps close by what every call asks for: credentials, token keys and tenants."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.context import Principal
from core.platform.secrets import SecretBox
from core.platform.system_database import SystemDatabase
from core.tenants import store
from core.tenants.credential import Credential, principal
from core.tenants.signing import mac_key
from core.tenants.tenant import Tenant

V = TypeVar("V")
# Entries, not bytes; strangers can fill it with unknown ids and only make it forget sooner.
CAPACITY = 10_000


class Fresh(Generic[V]):
    """Remembers what `load` answered for `seconds`, also that there is nothing."""

    def __init__(self, load: Callable[[str], V | None], seconds: float) -> None:
        self._load = load
        self._seconds = seconds
        self._known: dict[str, tuple[float, V | None]] = {}

    def get(self, name: str) -> V | None:
        """Returns the value, at most `seconds` old, or None."""
        entry = self._known.get(name)
        now = time.monotonic()
        if entry is not None and entry[0] > now:
            return entry[1]
        value = self._load(name)
        if len(self._known) >= CAPACITY:
            self._known.clear()
        self._known[name] = (now + self._seconds, value)
        return value


@dataclass(frozen=True, slots=True)
class KnownCredential:
    """Is a credential ready to verify with: its principal and its keyed HMAC."""

    credential: Credential
    principal: Principal
    mac: hmac.HMAC


class Directory:
    """Looks up credentials, tokens' keys and tenants; one query per name in a few seconds."""

    def __init__(self, system: SystemDatabase, secrets: SecretBox, fresh_seconds: float) -> None:
        self._system = system
        self._secrets = secrets
        self._credentials = Fresh(self._load_credential, fresh_seconds)
        self._issuer_keys = Fresh(self._load_issuer_key, fresh_seconds)
        self._tenants = Fresh(self._load_tenant, fresh_seconds)

    def credential(self, key_id: str) -> KnownCredential | None:
        """Returns the credential, live or not, or None."""
        return self._credentials.get(key_id)

    def issuer_key(self, issuer_key_id: str) -> bytes | None:
        """Returns the public key that verifies tokens, or None."""
        return self._issuer_keys.get(issuer_key_id)

    def tenant(self, tenant_id: str) -> Tenant | None:
        """Returns the tenant, or None."""
        return self._tenants.get(tenant_id)

    def _load_credential(self, key_id: str) -> KnownCredential | None:
        with self._system.begin() as transaction:
            found = store.find_credential(transaction, key_id)
        if found is None:
            return None
        credential, ciphertext = found
        secret = self._secrets.open(ciphertext, f"credential {key_id}")
        return KnownCredential(
            credential,
            principal(key_id, credential.tenant_ids, credential.roles),
            mac_key(secret),
        )

    def _load_issuer_key(self, issuer_key_id: str) -> bytes | None:
        with self._system.begin() as transaction:
            return store.find_issuer_key(transaction, issuer_key_id)

    def _load_tenant(self, tenant_id: str) -> Tenant | None:
        with self._system.begin() as transaction:
            return store.find_tenant(transaction, tenant_id)
