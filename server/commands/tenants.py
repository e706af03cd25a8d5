"""Creates and lists tenants."""

from __future__ import annotations

import typer

from howdah.tenants.v1 import tenants_pb2 as pb
from server.commands.direct import ask, running_node
from server.commands.output import moment, print_json, print_table
from server.servicers.tenants import tenants_service

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Create and list tenants.")
JSON = typer.Option(False, "--json", help="Print JSON for programs.")
LARGEST_PAGE = 500


@app.command()
def create(
    tenant: str = typer.Argument(help="Id: small letters, digits, _ and -, up to 63."),
    name: str = typer.Option("", help="Name for people; the id where not given."),
    time_zone: str = typer.Option("UTC", help="IANA time zone in which its days begin."),
    currency: str = typer.Option("EUR", help="ISO 4217 code that it mostly uses."),
    as_json: bool = JSON,
) -> None:
    """Create a tenant."""
    with running_node() as node:
        request = pb.CreateTenantRequest(
            tenant_id=tenant, display_name=name, time_zone=time_zone, currency=currency
        )
        response = ask(tenants_service(node.tenants), "CreateTenant", request)
    if as_json:
        print_json(response)
    else:
        made = response.tenant
        typer.echo(f"Created tenant {made.tenant_id} ({made.time_zone}, {made.currency}).")


@app.command("list")
def list_tenants(
    page_size: int = typer.Option(LARGEST_PAGE, help="Greatest number of tenants, up to 500."),
    page_token: str = typer.Option("", help="Where the page before ended."),
    as_json: bool = JSON,
) -> None:
    """List tenants by id."""
    with running_node() as node:
        request = pb.ListTenantsRequest(page_size=page_size, page_token=page_token)
        response = ask(tenants_service(node.tenants), "ListTenants", request)
    if as_json:
        print_json(response)
        return
    print_table(
        ("TENANT", "NAME", "TIME ZONE", "CURRENCY", "CREATED"),
        [
            (t.tenant_id, t.display_name, t.time_zone, t.currency, moment(t.create_time))
            for t in response.tenants
        ],
        "There are no tenants yet: `howdah tenants create acme`.",
        response.next_page_token,
    )
