"""Runs a file of signing cases through the verifier that the server uses."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from core.failures import RefusedError
from core.tenants.authenticate import Authenticator
from core.tenants.credential import Credential, principal
from core.tenants.directory import KnownCredential
from core.tenants.nonces import LocalNonces
from core.tenants.signing import SignedCall, mac_key
from server.commands.output import ExitCode, fail

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Check signing vectors.")


@app.callback()
def signing() -> None:
    """Check a signing implementation's vectors."""


@app.command()
def check(file: Path = typer.Argument(help="JSON of the shape of signing.json.")) -> None:
    """Print `N cases, N as expected`; exit with 1 where a case is not."""
    try:
        cases = json.loads(file.read_text("utf-8"))["cases"]
        wrong = [complaint for case in cases if (complaint := complaint_of(case))]
    except (OSError, ValueError, KeyError, TypeError) as fault:
        problem = f"{type(fault).__name__}: {fault}"
        raise fail(ExitCode.MISUSED, f"{file} is no file of signing cases: {problem}") from None
    for complaint in wrong:
        typer.echo(complaint, err=True)
    typer.echo(f"{len(cases)} cases, {len(cases) - len(wrong)} as expected")
    if wrong or not cases:
        raise typer.Exit(ExitCode.REFUSED)


@dataclass(frozen=True, slots=True)
class OneCredential:
    """Knows the credential of one case."""

    key_id: str
    secret: bytes

    def credential(self, key_id: str) -> KnownCredential | None:
        """Returns the credential where the id is its own."""
        if key_id != self.key_id:
            return None
        dawn = datetime.fromtimestamp(0, UTC)
        known = Credential(key_id, "", ("*",), ("viewer",), dawn, None, None, dawn)
        return KnownCredential(known, principal(key_id, ["*"], ["viewer"]), mac_key(self.secret))


def complaint_of(case: Mapping[str, Any]) -> str:
    """Returns what is wrong with the verdict on one case, or nothing."""
    verdict = verdict_of(case)
    expected = None if case["valid"] else case["reason"]
    if verdict != expected:
        return f"{case['name']}: {verdict or 'accepted'}, but expected {expected or 'accepted'}"
    canonical = case.get("canonical")
    if canonical is not None and case["valid"] and call_of(case).canonical() != canonical.encode():
        return f"{case['name']}: the canonical string differs"
    return ""


def verdict_of(case: Mapping[str, Any]) -> str | None:
    """Returns the reason of the refusal, or None where the call is accepted."""
    nonces = LocalNonces(keep_seconds=180, capacity=16)
    authenticator = Authenticator(
        credentials=OneCredential(case["key_id"], bytes.fromhex(case["secret_hex"])),
        read_nonces=nonces,
        change_nonces=nonces,
        now=lambda: float(case["now"]),
    )
    call = call_of(case)
    try:
        authenticator.verify(call)
        authenticator.require_new_nonce(call, changes=True)
    except RefusedError as refusal:
        return refusal.failure.reason.name
    return None


def call_of(case: Mapping[str, Any]) -> SignedCall:
    """Returns the case as the server receives it."""
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
