"""Signs messages as Standard Webhooks says, so that receivers have a library for it already."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 - how every secret begins, not one of them.


def new_secret() -> bytes:
    """Returns a fresh key."""
    return secrets.token_bytes(SECRET_BYTES)


def shown(secret: bytes) -> str:
    """Returns the secret as its owner gets it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode("ascii")


def signature_headers(
    keys: Sequence[bytes], *, message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """Returns the three headers; with a signature for each key, so that keys can change in turn."""
    signed = f"{message_id}.{timestamp}.".encode("ascii") + body
    signatures = (hmac.digest(key, signed, hashlib.sha256) for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            f"v1,{base64.b64encode(signature).decode('ascii')}" for signature in signatures
        ),
    }
