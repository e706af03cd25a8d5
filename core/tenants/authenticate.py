"""Decides who is calling: cheap checks first, and nothing is remembered before the MAC holds."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from core.context import Principal
from core.failures import RefusedError
from core.reasons import Reason
from core.tenants.directory import KnownCredential
from core.tenants.signing import SignedCall, mac_key, matches, unauthenticated


class Credentials(Protocol):
    """Finds the credential of a key id."""

    def credential(self, key_id: str) -> KnownCredential | None:
        """Returns the credential, live or not, or None."""


class Nonces(Protocol):
    """Remembers nonces."""

    def is_new(self, key_id: str, nonce: str) -> bool:
        """Remembers the nonce and tells whether it was unseen."""


@dataclass(frozen=True)
class Authenticator:
    """Verifies signed calls."""

    credentials: Credentials
    read_nonces: Nonces
    change_nonces: Nonces
    clock_skew_seconds: int = 60
    now: Callable[[], float] = time.time
    # Verifies calls of unknown credentials, so that they take as long as those of known ones.
    dummy: hmac.HMAC = field(default_factory=lambda: mac_key(secrets.token_bytes(32)))

    def verify(self, call: SignedCall) -> Principal:
        """Returns the principal; raises an UNAUTHENTICATED refusal. The nonce is checked later."""
        wrong = call.malformed()
        if wrong is not None:
            raise RefusedError(unauthenticated(Reason.SIGNATURE_MALFORMED, value=wrong))
        now = self.now()
        if abs(now - int(call.timestamp)) > self.clock_skew_seconds:
            raise RefusedError(unauthenticated(Reason.TIMESTAMP_SKEW, server_time=str(int(now))))
        known = self.credentials.credential(call.key_id)
        right = matches(call, known.mac if known else self.dummy)
        if known is None or not right:
            raise RefusedError(unauthenticated(Reason.SIGNATURE_INVALID))
        self._require_live(known, now)
        return known.principal

    def require_new_nonce(self, call: SignedCall, *, changes: bool) -> None:
        """Raises NONCE_REPLAYED, or AUTH_STORE_UNAVAILABLE where it cannot be told."""
        nonces = self.change_nonces if changes else self.read_nonces
        if not nonces.is_new(call.key_id, call.nonce):
            raise RefusedError(unauthenticated(Reason.NONCE_REPLAYED))

    def _require_live(self, known: KnownCredential, now: float) -> None:
        if known.credential.revoked_at is not None:
            raise RefusedError(unauthenticated(Reason.CREDENTIAL_REVOKED))
        if not known.credential.is_live(datetime.fromtimestamp(now, UTC)):
            raise RefusedError(unauthenticated(Reason.CREDENTIAL_EXPIRED))
