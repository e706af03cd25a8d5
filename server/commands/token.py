"""Prints a short-lived bearer token."""

from __future__ import annotations

import typer

from core.tenants.credential import PERMISSIONS
from server.commands.direct import running_node
from server.commands.output import ExitCode, fail, print_json

app = typer.Typer(add_completion=False)


@app.command()
def token(
    tenant: list[str] = typer.Option(..., help="Tenant it is for; repeatable; '*' is all."),
    role: list[str] = typer.Option(
        ["editor"], "--role", "--roles", help="viewer, editor, admin or operator; repeatable."
    ),
    subject: str = typer.Option("command-line", help="Who it is for; the log names it."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON for programs."),
) -> None:
    """Print a token: grpcurl -H "authorization: Bearer $(howdah token --tenant acme)" …"""
    roles = [name for value in role for name in value.split(",")]
    if unknown := sorted(set(roles) - PERMISSIONS.keys()):
        raise fail(ExitCode.MISUSED, f"There is no role {unknown[0]!r}.")
    with running_node() as node:
        for name in tenant:
            if name != "*" and node.directory.tenant(name) is None:
                raise fail(ExitCode.REFUSED, f"There is no tenant {name!r}.")
        made = node.issue_token(subject, tenant, roles)
        lifetime = node.settings.token_lifetime_seconds
    if as_json:
        print_json({"token": made, "expires_in_seconds": lifetime})
    else:
        typer.echo(made)
