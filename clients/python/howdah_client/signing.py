"""Signs one attempt of one call: HMAC-SHA256 over nine lines."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credential:
    """Is what `howdah keys create` printed: the key id and the secret, 64 hexadecimal digits."""

    key_id: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuses a secret that is no hexadecimal text, before the first call does."""
        bytes.fromhex(self.secret)


def signed_metadata(
    credential: Credential,
    path: str,
    body: bytes,
    *,
    tenant: str = "",
    correlation_id: str = "",
    audience: str = "howdah",
) -> list[tuple[str, str]]:
    """Returns the metadata of one attempt, with a new nonce; `body` is what goes over the wire.

    Raises ValueError where a value has a line break: it could pass for the next line.
    """
    timestamp, nonce = str(int(time.time())), secrets.token_urlsafe(18)
    digest = hashlib.sha256(body).hexdigest()
    lines = (credential.key_id, timestamp, nonce, audience, path, tenant, correlation_id, digest)
    if any("\n" in line or "\r" in line for line in lines):
        raise ValueError("a signed value must not have line breaks")
    canonical = "\n".join(("HOWDAH-HMAC-SHA256", *lines)).encode()
    mac = hmac.new(bytes.fromhex(credential.secret), canonical, "sha256").hexdigest()
    named = (("x-tenant-id", tenant), ("x-correlation-id", correlation_id))
    return [
        ("x-internal-key-id", credential.key_id),
        ("x-internal-timestamp", timestamp),
        ("x-internal-nonce", nonce),
        ("x-internal-signature", f"v1={mac}"),
        *((name, value) for name, value in named if value),
    ]
