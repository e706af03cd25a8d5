"""Manages the webhook endpoints of one tenant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import typer

from howdah.webhooks.v1 import webhooks_pb2 as pb
from server.commands import webhook_deliveries
from server.commands.direct import ask, running_node
from server.commands.output import moment, print_json, print_table
from server.servicers.webhooks import webhooks_service

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Manage webhook endpoints; show and repeat deliveries.",
)
app.add_typer(webhook_deliveries.app)
TENANT = typer.Option(
    ..., "--tenant", envvar="HOWDAH_TENANT", help="Tenant that the endpoint belongs to."
)
JSON = typer.Option(False, "--json", help="Print JSON for programs.")
ENDPOINT_ID = typer.Argument(help="Id of the endpoint.")
EVENT = typer.Option([], help="Type of event, such as job.failed; repeatable; all by default.")
KIND = typer.Option([], help="Kind of job, such as records.import; repeatable; all by default.")
HOUR_SECONDS = 3_600


@app.command()
def create(
    url: str = typer.Argument(help="Where messages are posted to, such as https://example.com."),
    tenant: str = TENANT,
    event: list[str] = EVENT,
    kind: list[str] = KIND,
    description: str = typer.Option("", help="Note for people."),
    as_json: bool = JSON,
) -> None:
    """Create an endpoint and show its secret, once."""
    wanted = pb.EventFilter(event_types=event, job_kinds=kind)
    request = pb.CreateEndpointRequest(url=url, description=description, filter=wanted)
    _show(_ask("CreateEndpoint", request, tenant), as_json=as_json)


@app.command("list")
def list_endpoints(
    tenant: str = TENANT,
    page_size: int = typer.Option(50, help="Greatest number of endpoints, up to 500."),
    page_token: str = typer.Option("", help="Where the page before ended."),
    as_json: bool = JSON,
) -> None:
    """List endpoints, the oldest first."""
    request = pb.ListEndpointsRequest(page_size=page_size, page_token=page_token)
    response = _ask("ListEndpoints", request, tenant)
    if as_json:
        print_json(response)
        return
    print_table(
        ("ENDPOINT", "URL", "STATE", "EVENTS", "KINDS", "DESCRIPTION"),
        [
            (
                endpoint.endpoint_id,
                endpoint.url,
                _state(endpoint),
                ", ".join(endpoint.filter.event_types) or "all",
                ", ".join(endpoint.filter.job_kinds) or "all",
                endpoint.description,
            )
            for endpoint in response.endpoints
        ],
        "There are no endpoints.",
        response.next_page_token,
    )


@app.command()
def get(endpoint_id: str = ENDPOINT_ID, tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Show one endpoint, and why it is disabled where it is."""
    request = pb.GetEndpointRequest(endpoint_id=endpoint_id)
    _show(_ask("GetEndpoint", request, tenant), as_json=as_json)


@app.command()
def update(
    endpoint_id: str = ENDPOINT_ID,
    tenant: str = TENANT,
    url: str | None = typer.Option(None, help="Another URL."),
    description: str | None = typer.Option(None, help="Another note."),
    event: list[str] = EVENT,
    kind: list[str] = KIND,
    everything: bool = typer.Option(False, "--everything", help="All events of all kinds again."),
    enabled: bool | None = typer.Option(
        None, "--enable/--disable", help="Whether messages are sent; as before by default."
    ),
    as_json: bool = JSON,
) -> None:
    """Change an endpoint; --event and --kind together replace its filter."""
    request = pb.UpdateEndpointRequest(
        endpoint_id=endpoint_id, url=url, description=description, enabled=enabled
    )
    if event or kind or everything:
        if everything and (event or kind):
            raise typer.BadParameter("it goes without --event and --kind", param_hint="everything")
        request.filter.CopyFrom(pb.EventFilter(event_types=event, job_kinds=kind))
    _show(_ask("UpdateEndpoint", request, tenant), as_json=as_json)


@app.command()
def delete(endpoint_id: str = ENDPOINT_ID, tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Delete an endpoint with the log of its deliveries."""
    response = _ask("DeleteEndpoint", pb.DeleteEndpointRequest(endpoint_id=endpoint_id), tenant)
    if as_json:
        print_json(response)
    else:
        typer.echo(f"Deleted {endpoint_id}.")


@app.command()
def rotate(
    endpoint_id: str = ENDPOINT_ID,
    tenant: str = TENANT,
    overlap_hours: float = typer.Option(24.0, help="How long the old secret signs as well.", min=0),
    as_json: bool = JSON,
) -> None:
    """Make a new secret and show it, once."""
    request = pb.RotateSecretRequest(endpoint_id=endpoint_id)
    request.overlap.FromSeconds(int(overlap_hours * HOUR_SECONDS))
    _show(_ask("RotateSecret", request, tenant), as_json=as_json)


def _ask(method: str, request: Any, tenant: str) -> Any:
    with running_node(tenant) as node:
        return ask(webhooks_service(node.webhooks), method, request, tenant)


def _show(response: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(response)
        return
    endpoint = response.endpoint
    facts = {
        "endpoint": endpoint.endpoint_id,
        "url": endpoint.url,
        "description": endpoint.description,
        "events": ", ".join(endpoint.filter.event_types) or "all",
        "kinds": ", ".join(endpoint.filter.job_kinds) or "all",
        "state": _state(endpoint),
        "reason": endpoint.disabled_reason,
        "failures": str(endpoint.failures_in_row or ""),
        "old secret": moment(endpoint.old_secret_expire_time),
        "secret": getattr(response, "secret", ""),
    }
    for name, value in facts.items():
        if value:
            typer.echo(f"{name:<12}{value}")
    if facts["secret"]:
        typer.secho("The secret is shown this once: store it now.", err=True, dim=True)


def _state(endpoint: pb.Endpoint) -> str:
    if not endpoint.enabled:
        return f"disabled since {moment(endpoint.disable_time)}"
    if endpoint.pause_end_time.ToDatetime(tzinfo=UTC) > datetime.now(UTC):
        return f"left alone until {moment(endpoint.pause_end_time)}"
    return "failing" if endpoint.failures_in_row else "enabled"
