"""Calls a Howdah node from another Python service: signs, tries again, and explains refusals."""

from __future__ import annotations

from howdah_client.channel import SignedChannel, connect
from howdah_client.error import FieldError, HowdahError
from howdah_client.signing import Credential, signed_metadata

__all__ = [
    "Credential",
    "FieldError",
    "HowdahError",
    "SignedChannel",
    "connect",
    "signed_metadata",
]
