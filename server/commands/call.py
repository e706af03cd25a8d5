"""Calls a method of a running node: signed, with JSON in and JSON out."""

from __future__ import annotations

import sys
from pathlib import Path

import grpc
import typer
from google.protobuf.json_format import Parse, ParseError
from google.protobuf.message import Message

from core.config import load_settings
from howdah_client import HowdahError, SignedChannel, connect
from server.commands.caller import (
    CA,
    CERTIFICATE,
    KEY,
    KEY_ID,
    SECRET,
    TENANT,
    credential,
    tls,
)
from server.commands.contract import (
    ContractMethod,
    UnknownMethodError,
    built_in,
    find_method,
    reflected,
)
from server.commands.output import ExitCode, fail, faults_in_words, print_json
from server.node_file import settings_of_node

app = typer.Typer(add_completion=False)


@app.command()
def call(
    method: str = typer.Argument(help="GetJob, JobsService/GetJob or the full path."),
    request: str = typer.Argument("{}", help="Request as JSON; '-' reads it from stdin."),
    tenant: str = TENANT,
    key_id: str = KEY_ID,
    secret: str = SECRET,
    address: str = typer.Option(
        "", "--address", envvar="HOWDAH_ADDRESS", help="host:port or unix:/path of the node."
    ),
    timeout: float = typer.Option(30.0, help="Seconds that the whole call may take.", min=0.001),
    correlation_id: str = typer.Option("", help="UUID to find the call by in the log."),
    ca: Path | None = CA,
    cert: Path | None = CERTIFICATE,
    key: Path | None = KEY,
) -> None:
    """Call a method and print the response as JSON: one line, or one a message of a stream."""
    with faults_in_words():
        # With everything named, the node may be on another machine.
        settings = load_settings() if address and key_id else settings_of_node()
        signer = credential(settings, key_id, secret)
        channel = connect(
            address or settings.grpc_address,
            signer,
            tenant=tenant,
            audience=settings.audience,
            tls=tls(ca, cert, key),
        )
    metadata = [("x-correlation-id", correlation_id)] if correlation_id else []
    with channel:
        try:
            found = find_method(reflected(channel.raw) or built_in(), method)
            message = parse(request, found)
            run(channel, found, message, timeout, metadata)
        except UnknownMethodError as fault:
            raise fail(ExitCode.MISUSED, str(fault)) from None
        except HowdahError as error:
            raise refusal(error) from None
        except grpc.RpcError as fault:
            raise fail(ExitCode.UNREACHABLE, f"{fault.code().name}: {fault.details()}") from None


def parse(request: str, method: ContractMethod) -> Message:
    """Returns the request message; a fault in the JSON ends the command."""
    text = sys.stdin.read() if request == "-" else request
    try:
        return Parse(text, method.request())
    except ParseError as fault:
        name = method.request.DESCRIPTOR.full_name
        raise fail(ExitCode.MISUSED, f"The request is no JSON of {name}: {fault}") from None


def run(
    channel: SignedChannel,
    method: ContractMethod,
    message: Message,
    timeout: float,
    metadata: list[tuple[str, str]],
) -> None:
    """Sends the message and prints what comes back."""
    kind = channel.unary_stream if method.streams else channel.unary_unary
    send = kind(method.path, method.request.SerializeToString, method.response.FromString)
    answer = send(message, timeout=timeout, metadata=metadata)
    for response in answer if method.streams else [answer]:
        print_json(response)


def refusal(error: HowdahError) -> typer.Exit:
    """Prints all that the error says, and returns what to raise."""
    # The fields say it again, one a line.
    lines = [f"{error.code().name} / {error.reason}" if error.fields else str(error)]
    lines += [f"  {wrong.field}: {wrong.description}" for wrong in error.fields]
    lines += [f"  {name} = {value}" for name, value in sorted(error.metadata.items())]
    if error.retry_after_seconds:
        lines.append(f"  try again after {error.retry_after_seconds:g} s")
    if error.correlation_id:
        lines.append(f"  correlation id {error.correlation_id}")
    away = error.code() is grpc.StatusCode.UNAVAILABLE
    return fail(ExitCode.UNREACHABLE if away else ExitCode.REFUSED, "\n".join(lines))
