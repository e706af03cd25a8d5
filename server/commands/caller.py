"""Says who calls: the credential that was named, or the operator of the embedded node."""

from __future__ import annotations

import os
from pathlib import Path

import grpc
import typer

from core.bootstrap import open_node
from core.config import Settings
from howdah_client import Credential
from server.commands.output import ExitCode, fail
from server.operator import operator_key

KEY_ID = typer.Option("", "--key-id", envvar="HOWDAH_KEY_ID", help="Credential to sign with.")
SECRET = typer.Option(
    "",
    "--secret",
    envvar="HOWDAH_SECRET",
    show_envvar=True,
    help="Its secret; better given in the environment.",
)
TENANT = typer.Option("", "--tenant", envvar="HOWDAH_TENANT", help="Tenant to call for.")


CA = typer.Option(None, "--ca", help="Certificate (PEM) that vouches for the node: speaks TLS.")
CERTIFICATE = typer.Option(None, "--cert", help="Own certificate (PEM), where the node asks.")
KEY = typer.Option(None, "--key", help="Key (PEM) of the own certificate.")


def tls(
    ca: Path | None, certificate: Path | None, key: Path | None
) -> grpc.ChannelCredentials | None:
    """Returns what TLS needs, or None where no certificate is named."""
    if ca is None:
        if certificate or key:
            raise fail(ExitCode.MISUSED, "--cert and --key need --ca.")
        return None
    if (certificate is None) != (key is None):
        raise fail(ExitCode.MISUSED, "--cert and --key belong together.")
    try:
        return grpc.ssl_channel_credentials(
            ca.read_bytes(),
            key.read_bytes() if key else None,
            certificate.read_bytes() if certificate else None,
        )
    except OSError as fault:
        raise fail(ExitCode.MISUSED, f"{fault.filename}: {fault.strerror}") from None


def credential(settings: Settings, key_id: str, secret: str) -> Credential:
    """Returns what to sign with. Without a key it is the machine's own operator.

    `settings` are those of the running node, so the operator is only found where its data is.
    """
    if key_id and secret:
        try:
            return Credential(key_id, secret)
        except ValueError:
            raise fail(ExitCode.MISUSED, "The secret must be 64 hexadecimal digits.") from None
    if key_id or secret:
        raise fail(ExitCode.MISUSED, "--key-id and --secret belong together.")
    if os.environ.get("HOWDAH_DATABASE_URL"):
        raise fail(
            ExitCode.MISUSED,
            "Name a credential with --key-id and --secret, or HOWDAH_KEY_ID and HOWDAH_SECRET:"
            " only an embedded node has an operator of its own.",
        )
    with open_node(settings) as node:
        return Credential(*operator_key(node))
