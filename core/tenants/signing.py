"""Says what a signature covers, and makes one: HMAC-SHA256 over nine lines."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

from core.failures import Failure
from core.reasons import Reason

SCHEME = "HOWDAH-HMAC-SHA256"
VERSION = "v1="

KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
TIMESTAMP = re.compile(r"[0-9]{1,12}")
NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
TENANT = re.compile(r"(?:[a-z0-9][a-z0-9_-]{0,62})?")
CORRELATION = re.compile(
    r"(?:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})?"
)
# Room for a rotation's two signatures and some to spare.
MAX_SIGNATURES_LENGTH = 512


# Not frozen: it is made for every call, and a frozen one takes four times as long to make.
@dataclass(slots=True)
class SignedCall:
    """Holds what the metadata of one call say, unchecked; `body` is as it came off the wire."""

    key_id: str
    timestamp: str
    nonce: str
    signature: str
    audience: str
    path: str
    tenant_id: str
    correlation_id: str
    body: bytes

    def canonical(self) -> bytes:
        """Returns the bytes that the HMAC covers: each line is present, without a final LF."""
        return (
            f"{SCHEME}\n{self.key_id}\n{self.timestamp}\n{self.nonce}\n{self.audience}\n{self.path}\n"
            f"{self.tenant_id}\n{self.correlation_id}\n{hashlib.sha256(self.body).hexdigest()}"
        ).encode()

    def malformed(self) -> str | None:
        """Returns the name of the first value without the required form, or None."""
        if not KEY_ID.fullmatch(self.key_id):
            return "x-internal-key-id"
        if not TIMESTAMP.fullmatch(self.timestamp):
            return "x-internal-timestamp"
        if not NONCE.fullmatch(self.nonce):
            return "x-internal-nonce"
        if not TENANT.fullmatch(self.tenant_id):
            return "x-tenant-id"
        if not CORRELATION.fullmatch(self.correlation_id):
            return "x-correlation-id"
        if not self.signature or len(self.signature) > MAX_SIGNATURES_LENGTH:
            return "x-internal-signature"
        return None


def mac_key(secret: bytes) -> hmac.HMAC:
    """Returns the keyed HMAC to copy for each call: the key's own two blocks are hashed once."""
    return hmac.new(secret, digestmod="sha256")


def sign(call: SignedCall, secret: bytes) -> str:
    """Returns the `x-internal-signature` of the call."""
    return VERSION + hmac.new(secret, call.canonical(), "sha256").hexdigest()


def matches(call: SignedCall, key: hmac.HMAC) -> bool:
    """Tells, in constant time, whether one of the call's signatures is right."""
    mac = key.copy()
    mac.update(call.canonical())
    expected = (VERSION + mac.hexdigest()).encode("ascii")
    right = False
    for given in call.signature.split(","):
        # Every signature is compared, whichever is right.
        right |= hmac.compare_digest(given.strip().encode("utf-8", "replace"), expected)
    return right


PUBLIC_MESSAGE = "The call could not be authenticated."


def unauthenticated(reason: Reason, **metadata: str) -> Failure:
    """Returns the refusal: one public sentence for all; only the reason tells them apart."""
    return Failure(reason, PUBLIC_MESSAGE, metadata)
