"""Prints the headers that sign a request message, for curl and its like."""

from __future__ import annotations

import json
import shlex
import sys

import typer

from core.config import load_settings
from howdah_client import signed_metadata
from server.commands.caller import KEY_ID, SECRET, TENANT, credential
from server.commands.contract import UnknownMethodError, built_in, find_method
from server.commands.output import ExitCode, fail, faults_in_words
from server.node_file import settings_of_node

app = typer.Typer(add_completion=False)


@app.command()
def sign(
    method: str = typer.Argument(help="GetJob, JobsService/GetJob or the full path."),
    tenant: str = TENANT,
    key_id: str = KEY_ID,
    secret: str = SECRET,
    correlation_id: str = typer.Option("", help="UUID that is signed along."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Sign the message on stdin: the protobuf bytes as they are sent, without gRPC's prefix."""
    body = sys.stdin.buffer.read()
    with faults_in_words():
        settings = load_settings() if key_id and secret else settings_of_node()
        signer = credential(settings, key_id, secret)
    try:
        path = find_method(built_in(), method).path
        metadata = signed_metadata(
            signer,
            path,
            body,
            tenant=tenant,
            correlation_id=correlation_id,
            audience=settings.audience,
        )
    except (UnknownMethodError, ValueError) as fault:
        raise fail(ExitCode.MISUSED, str(fault)) from None
    if as_json:
        typer.echo(json.dumps(dict(metadata)))
    else:
        for name, value in metadata:
            typer.echo(f"-H {shlex.quote(f'{name}: {value}')}")
