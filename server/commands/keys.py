"""Creates, lists, rotates and revokes the credentials that callers sign with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import typer

from howdah.tenants.v1 import tenants_pb2 as pb
from server.commands.direct import ask, running_node
from server.commands.output import moment, print_json, print_table
from server.servicers.tenants import tenants_service

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Create, list, rotate and revoke credentials."
)
JSON = typer.Option(False, "--json", help="Print JSON for programs.")
KEY_ID = typer.Argument(help="Id of the credential.")
LARGEST_PAGE = 500
HOUR_SECONDS = 3_600


@app.command()
def create(
    tenant: list[str] = typer.Option(..., help="Tenant it may act for; repeatable; '*' is all."),
    role: list[str] = typer.Option(["editor"], help="viewer, editor, admin or operator."),
    description: str = typer.Option("", help="What it is for."),
    hours: float = typer.Option(0.0, help="Hours until it ends; 0 is never.", min=0),
    as_json: bool = JSON,
) -> None:
    """Create a credential and show its secret, once."""
    request = pb.CreateCredentialRequest(description=description, tenant_ids=tenant, roles=role)
    if hours:
        request.lifetime.FromSeconds(int(hours * HOUR_SECONDS))
    _show(_ask("CreateCredential", request), as_json=as_json)


@app.command("list")
def list_keys(
    tenant: str = typer.Option("", help="Only those that may act for this tenant."),
    page_size: int = typer.Option(LARGEST_PAGE, help="Greatest number of keys, up to 500."),
    page_token: str = typer.Option("", help="Where the page before ended."),
    as_json: bool = JSON,
) -> None:
    """List credentials without their secrets."""
    request = pb.ListCredentialsRequest(
        page_size=page_size, page_token=page_token, tenant_id=tenant
    )
    response = _ask("ListCredentials", request)
    if as_json:
        print_json(response)
        return
    print_table(
        ("KEY ID", "TENANTS", "ROLES", "STATE", "CREATED", "DESCRIPTION"),
        [
            (
                c.key_id,
                ", ".join(c.tenant_ids),
                ", ".join(c.roles),
                _state(c),
                moment(c.create_time),
                c.description,
            )
            for c in response.credentials
        ],
        "There are no credentials yet: `howdah keys create --tenant acme`.",
        response.next_page_token,
    )


@app.command()
def rotate(
    key_id: str = KEY_ID,
    overlap_hours: float = typer.Option(24.0, help="Hours that the old one goes on.", min=0),
    as_json: bool = JSON,
) -> None:
    """Create the successor of a credential and show its secret, once."""
    request = pb.RotateCredentialRequest(key_id=key_id)
    request.overlap.FromSeconds(int(overlap_hours * HOUR_SECONDS))
    response = _ask("RotateCredential", request)
    _show(response, as_json=as_json)
    if not as_json:
        old = response.replaced
        typer.echo(f"{old.key_id} ends {moment(old.expire_time)} UTC.")


@app.command()
def revoke(key_id: str = KEY_ID, as_json: bool = JSON) -> None:
    """End a credential now; every process refuses it within 5 seconds."""
    response = _ask("RevokeCredential", pb.RevokeCredentialRequest(key_id=key_id))
    if as_json:
        print_json(response)
    else:
        typer.echo(f"Revoked {response.credential.key_id}.")


def _ask(method: str, request: Any) -> Any:
    with running_node() as node:
        return ask(tenants_service(node.tenants), method, request)


def _show(response: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(response)
        return
    credential = response.credential
    typer.echo(f"key id  {credential.key_id}")
    typer.echo(f"secret  {response.secret}")
    typer.echo(f"tenants {', '.join(credential.tenant_ids)}")
    typer.echo(f"roles   {', '.join(credential.roles)}")
    typer.secho("The secret is shown this once: store it now.", err=True, dim=True)


def _state(credential: pb.Credential) -> str:
    if credential.HasField("revoke_time"):
        return "revoked"
    if not credential.HasField("expire_time"):
        return "live"
    ended = credential.expire_time.ToDatetime(tzinfo=UTC) <= datetime.now(UTC)
    return "ended" if ended else f"until {moment(credential.expire_time)}"
