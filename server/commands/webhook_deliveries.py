"""Sends test webhooks, and shows and repeats deliveries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import typer

from howdah.webhooks.v1 import webhooks_pb2 as pb
from server.commands.direct import ask, running_node
from server.commands.output import ExitCode, fail, moment, named, print_json, print_table
from server.servicers.webhooks import webhooks_service

# Without a name, so that `howdah webhooks` shows these commands among its own.
app = typer.Typer(add_completion=False)
TENANT = typer.Option(
    ..., "--tenant", envvar="HOWDAH_TENANT", help="Tenant that the endpoint belongs to."
)
JSON = typer.Option(False, "--json", help="Print JSON for programs.")
ENDPOINT_ID = typer.Argument(help="Id of the endpoint.")
TIMES = ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]


@app.command("test")
def send_test(endpoint_id: str = ENDPOINT_ID, tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Send a test; `howdah webhooks deliveries` shows what came of it."""
    response = _ask("SendTestEvent", pb.SendTestEventRequest(endpoint_id=endpoint_id), tenant)
    if as_json:
        print_json(response)
    else:
        typer.echo(response.delivery.message_id)


@app.command()
def deliveries(
    tenant: str = TENANT,
    endpoint: str = typer.Option("", help="Only those to this endpoint."),
    message: str = typer.Option("", help="Only those of this message."),
    state: str = typer.Option("", help="Only pending, delivered or failed ones."),
    page_size: int = typer.Option(50, help="Greatest number of deliveries, up to 100."),
    page_token: str = typer.Option("", help="Where the page before ended."),
    as_json: bool = JSON,
) -> None:
    """List deliveries, the newest first; --json has every try."""
    request = pb.ListDeliveriesRequest(
        endpoint_id=endpoint,
        message_id=message,
        state=named(pb.DeliveryState, state, "--state"),
        page_size=page_size,
        page_token=page_token,
    )
    response = _ask("ListDeliveries", request, tenant)
    if as_json:
        print_json(response)
        return
    print_table(
        ("MESSAGE", "ENDPOINT", "EVENT", "STATE", "TRIES", "LAST", "NEXT", "ERROR"),
        [_line(delivery) for delivery in response.deliveries],
        "There are no such deliveries.",
        response.next_page_token,
    )


@app.command()
def redeliver(
    message: str = typer.Argument("", help="Id of the message; or --from for those of a time."),
    tenant: str = TENANT,
    endpoint: str = typer.Option("", help="Only to this endpoint."),
    start: datetime | None = typer.Option(None, "--from", formats=TIMES, help="In UTC."),
    end: datetime | None = typer.Option(None, "--to", formats=TIMES, help="Now by default."),
    only_failed: bool = typer.Option(False, "--only-failed", help="What was never taken."),
    max_deliveries: int = typer.Option(1_000, help="Greatest number of deliveries, up to 1000."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only tell which."),
    as_json: bool = JSON,
) -> None:
    """Deliver one message again, or those of a time."""
    if bool(message) == bool(start):
        raise fail(ExitCode.MISUSED, "Give the id of a message, or --from.")
    if message:
        if dry_run or only_failed or end:
            raise fail(ExitCode.MISUSED, "--to, --only-failed and --dry-run go with --from.")
        again = pb.RedeliverMessageRequest(message_id=message, endpoint_id=endpoint)
        response = _ask("RedeliverMessage", again, tenant)
        found, more = response.deliveries, False
    else:
        request = pb.RedeliverRangeRequest(
            endpoint_id=endpoint,
            only_failed=only_failed,
            max_deliveries=max_deliveries,
            dry_run=dry_run,
        )
        for field, time in ((request.start_time, start), (request.end_time, end)):
            if time is not None:
                field.FromDatetime(time.replace(tzinfo=UTC))
        response = _ask("RedeliverRange", request, tenant)
        found, more = response.redeliveries, response.more
    if as_json:
        print_json(response)
        return
    for one in found:
        typer.echo(f"{one.message_id} to {one.endpoint_id}")
    done = "would be made" if dry_run else "on their way"
    typer.echo(f"{len(found)} deliveries {done}{'; there are more' if more else ''}.", err=True)


def _ask(method: str, request: Any, tenant: str) -> Any:
    with running_node(tenant) as node:
        return ask(webhooks_service(node.webhooks), method, request, tenant)


def _line(delivery: pb.Delivery) -> tuple[str, ...]:
    last = delivery.attempts[-1] if delivery.attempts else None
    return (
        delivery.message_id,
        delivery.endpoint_id,
        delivery.event_type,
        pb.DeliveryState.Name(delivery.state).removeprefix("DELIVERY_STATE_").lower(),
        str(len(delivery.attempts)),
        ""
        if last is None
        else f"{last.status or 'none'} after {last.duration.ToMilliseconds()} ms",
        moment(delivery.next_attempt_time),
        "" if last is None else last.error,
    )
