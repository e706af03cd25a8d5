"""Makes and verifies bearer tokens: short-lived JWTs signed with Ed25519."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.context import Principal
from core.failures import RefusedError
from core.platform.secrets import SecretBox
from core.platform.system_database import SystemDatabase
from core.reasons import Reason
from core.tenants import store
from core.tenants.credential import principal
from core.tenants.directory import Directory
from core.tenants.signing import unauthenticated

ALGORITHM = "EdDSA"
ISSUER = "howdah"
MAX_TOKEN_LENGTH = 4_096
ISSUER_KEY_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True)
class TokenIssuer:
    """Makes tokens for people and `grpcurl`. The signing key is made on first use."""

    system: SystemDatabase
    secrets: SecretBox
    audience: str
    lifetime_seconds: int

    def __call__(self, subject: str, tenant_ids: Sequence[str], roles: Sequence[str]) -> str:
        """Returns a token that lives `lifetime_seconds`."""
        key_id, private = self._signing_key()
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": self.audience,
            "sub": subject,
            "iat": now,
            "exp": now + self.lifetime_seconds,
            "jti": secrets.token_urlsafe(12),
            "tenants": list(tenant_ids),
            "roles": list(roles),
        }
        return jwt.encode(claims, private, ALGORITHM, headers={"kid": key_id})

    def _signing_key(self) -> tuple[str, Ed25519PrivateKey]:
        with self.system.begin() as transaction:
            # Two callers at once would each make a first key.
            transaction.execute("LOCK TABLE issuer_keys IN SHARE ROW EXCLUSIVE MODE")
            row = store.newest_issuer_key(transaction)
            if row is None:
                key_id = f"jwt-{secrets.token_hex(6)}"
                private = Ed25519PrivateKey.generate()
                raw = private.private_bytes_raw()
                store.insert_issuer_key(
                    transaction,
                    key_id,
                    private.public_key().public_bytes(
                        serialization.Encoding.Raw, serialization.PublicFormat.Raw
                    ),
                    self.secrets.seal(raw, f"issuer key {key_id}"),
                )
                return key_id, private
        key_id = row["issuer_key_id"]
        raw = self.secrets.open(bytes(row["private_key_ciphertext"]), f"issuer key {key_id}")
        return key_id, Ed25519PrivateKey.from_private_bytes(raw)


@dataclass(frozen=True)
class TokenVerifier:
    """Verifies tokens with the public keys the node has made."""

    directory: Directory
    audience: str
    leeway_seconds: int

    def verify(self, token: str) -> Principal:
        """Returns the principal; raises TOKEN_INVALID or TOKEN_EXPIRED."""
        if len(token) > MAX_TOKEN_LENGTH:
            raise RefusedError(unauthenticated(Reason.TOKEN_INVALID))
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            if not isinstance(key_id, str) or not ISSUER_KEY_ID.fullmatch(key_id):
                raise RefusedError(unauthenticated(Reason.TOKEN_INVALID))
            public = self.directory.issuer_key(key_id)
            if public is None:
                raise RefusedError(unauthenticated(Reason.TOKEN_INVALID))
            claims = jwt.decode(
                token,
                Ed25519PublicKey.from_public_bytes(public),
                # The algorithm is ours to say: the token's own word for it is not asked.
                algorithms=[ALGORITHM],
                audience=self.audience,
                issuer=ISSUER,
                leeway=self.leeway_seconds,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
            )
        except jwt.ExpiredSignatureError:
            raise RefusedError(unauthenticated(Reason.TOKEN_EXPIRED)) from None
        except jwt.InvalidTokenError:
            raise RefusedError(unauthenticated(Reason.TOKEN_INVALID)) from None
        return principal(claims["sub"], claims.get("tenants", []), claims.get("roles", []))
