"""Runs the published vectors through the verifier that the server uses."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.failures import RefusedError
from core.reasons import Reason
from core.tenants.authenticate import Authenticator
from core.tenants.credential import Credential, principal
from core.tenants.directory import KnownCredential
from core.tenants.nonces import LocalNonces
from core.tenants.signing import SignedCall, mac_key, sign

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "signing.json").read_text("utf-8")
)["cases"]


def call_of(case: dict[str, Any]) -> SignedCall:
    return SignedCall(
        key_id=case["key_id"],
        timestamp=case["timestamp"],
        nonce=case["nonce"],
        signature=case["signature"],
        audience=case["audience"],
        path=case["path"],
        tenant_id=case["tenant"],
        correlation_id=case["correlation_id"],
        body=base64.b64decode(case["body_base64"]),
    )


class OneCredential:
    """Knows every key id by one secret."""

    def __init__(self, secret: bytes, **changes: Any) -> None:
        self._secret = secret
        self._changes = changes

    def credential(self, key_id: str) -> KnownCredential | None:
        values = {
            "not_before": datetime.fromtimestamp(0, UTC),
            "not_after": None,
            "revoked_at": None,
            **self._changes,
        }
        credential = Credential(
            key_id=key_id,
            description="",
            tenant_ids=("*",),
            roles=(),
            created_at=datetime.fromtimestamp(0, UTC),
            **values,
        )
        return KnownCredential(credential, principal(key_id, ["*"], []), mac_key(self._secret))


class NoCredential:
    """Knows nobody."""

    def credential(self, key_id: str) -> KnownCredential | None:
        return None


def authenticator(credentials: Any, now: float) -> Authenticator:
    return Authenticator(
        credentials, LocalNonces(180, 1_000), LocalNonces(180, 1_000), now=lambda: now
    )


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_the_verifier_decides_every_vector_as_published(case: dict[str, Any]) -> None:
    call = call_of(case)
    verifier = authenticator(OneCredential(bytes.fromhex(case["secret_hex"])), case["now"])

    if case["valid"]:
        assert verifier.verify(call).key_id == case["key_id"]
        assert call.canonical().decode() == case["canonical"]
    else:
        with pytest.raises(RefusedError) as refusal:
            verifier.verify(call)
        assert refusal.value.failure.reason.name == case["reason"]


VALID = next(case for case in VECTORS if case["valid"])
SECRET = bytes.fromhex(VALID["secret_hex"])


def test_signing_a_valid_vector_gives_its_signature() -> None:
    assert sign(call_of(VALID), SECRET) == VALID["signature"]


def test_an_unknown_credential_reads_like_a_wrong_signature() -> None:
    with pytest.raises(RefusedError) as refusal:
        authenticator(NoCredential(), VALID["now"]).verify(call_of(VALID))

    assert refusal.value.failure.reason is Reason.SIGNATURE_INVALID


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"revoked_at": datetime.fromtimestamp(1, UTC)}, Reason.CREDENTIAL_REVOKED),
        ({"not_after": datetime.fromtimestamp(1, UTC)}, Reason.CREDENTIAL_EXPIRED),
        ({"not_before": datetime.fromtimestamp(2e9, UTC)}, Reason.CREDENTIAL_EXPIRED),
    ],
)
def test_a_credential_that_is_not_live_is_refused_only_to_who_holds_its_secret(
    changes: dict[str, Any], reason: Reason
) -> None:
    with pytest.raises(RefusedError) as holder:
        authenticator(OneCredential(SECRET, **changes), VALID["now"]).verify(call_of(VALID))
    with pytest.raises(RefusedError) as stranger:
        authenticator(OneCredential(b"x", **changes), VALID["now"]).verify(call_of(VALID))

    assert holder.value.failure.reason is reason
    assert stranger.value.failure.reason is Reason.SIGNATURE_INVALID


def test_a_nonce_is_new_once_for_each_key() -> None:
    nonces = LocalNonces(keep_seconds=180, capacity=1_000)

    assert nonces.is_new("a", "n1")
    assert not nonces.is_new("a", "n1")
    assert nonces.is_new("b", "n1")


def test_the_window_of_nonces_is_bounded_and_still_knows_the_newest() -> None:
    nonces = LocalNonces(keep_seconds=180, capacity=100)
    for number in range(1_000):
        assert nonces.is_new("a", str(number))

    assert not nonces.is_new("a", "999")
    assert len(nonces._current) + len(nonces._previous) <= 100
