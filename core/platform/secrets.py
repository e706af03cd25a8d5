"""Encrypts what is stored secret, such as the keys that callers sign with."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.config_rules import decode_key

NONCE_BYTES = 12


class SecretBox:
    """Seals bytes with AES-256-GCM under the node's key; `label` says what they belong to."""

    def __init__(self, key: str) -> None:
        self._cipher = AESGCM(decode_key(key))

    def seal(self, secret: bytes, label: str) -> bytes:
        """Returns the ciphertext; only `open` with the same label gives the secret back."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, label.encode("utf-8"))

    def open(self, ciphertext: bytes, label: str) -> bytes:
        """Returns the secret; raises ValueError where key or label are wrong."""
        nonce, sealed = ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, sealed, label.encode("utf-8"))
        except InvalidTag:
            message = (
                f"the stored secret of {label} does not open: is HOWDAH_SECRETS_KEY the right one?"
            )
            raise ValueError(message) from None
