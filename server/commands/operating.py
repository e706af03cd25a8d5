"""Shows the queues and workers of the node, and sets how much of them each tenant is given."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import typer
from google.protobuf.message import Message
from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from core.failures import RefusedError
from howdah.jobs.v1 import jobs_pb2 as pb
from server.commands import queue_screen
from server.commands.direct import ask, running_node
from server.commands.output import as_dict, new_console, print_json
from server.service import Service
from server.servicers.jobs import jobs_service

app = typer.Typer(add_completion=False)
OF_TENANT = typer.Option("", "--tenant", help="Only this tenant; all tenants where not given.")
TENANT = typer.Option(..., "--tenant", help="Tenant whose jobs are meant.")
TENANTS = typer.Option(10, "--tenants", help="How many tenants to show one by one.", min=1, max=100)
JSON = typer.Option(False, "--json", help="Print JSON for programs; a line per look in `top`.")


@app.command()
def stats(tenant: str = OF_TENANT, tenants: int = TENANTS, as_json: bool = JSON) -> None:
    """Count what waits, runs and ended in each queue, of one tenant or of all."""
    with running_node(tenant) as node:
        found = _look(jobs_service(node.jobs), tenant, tenants)
    _show(found, _drawn(found), as_json=as_json)


@app.command()
def top(
    tenant: str = OF_TENANT,
    tenants: int = TENANTS,
    seconds: float = typer.Option(1.0, help="Time between two looks.", min=0.1),
    looks: int = typer.Option(0, help="How often to look; until Ctrl-C where 0.", min=0),
    as_json: bool = JSON,
) -> None:
    """Show the queues as they are, again and again until Ctrl-C."""
    try:
        with running_node(tenant) as node, _screen(as_json=as_json) as show:
            service = jobs_service(node.jobs)
            for look in count(1):
                try:
                    show(_look(service, tenant, tenants))
                except RefusedError as refusal:
                    # Who watches a node in trouble wants to see how that ends.
                    show(str(refusal))
                if look == looks:
                    break
                time.sleep(seconds)
    except KeyboardInterrupt:
        return


@app.command()
def workers(as_json: bool = JSON) -> None:
    """List the live workers, what they can run, and how busy they are."""
    with running_node() as node:
        found = _look(jobs_service(node.jobs), "", 1)
    if as_json:
        print_json({"workers": as_dict(found)["workers"]})
    else:
        new_console().print(queue_screen.of_workers(found.workers))


@app.command()
def share(
    tenant: str = TENANT,
    weight: int | None = typer.Option(
        None, help="Jobs that run for one of a tenant with weight 1.", min=1
    ),
    max_running: str = typer.Option("", help="Jobs that may run while others wait, or `none`."),
    as_json: bool = JSON,
) -> None:
    """Set how much of the workers a tenant is given; without options, show it."""
    request = pb.SetTenantShareRequest(tenant_id=tenant, weight=weight or 0)
    if max_running:
        request.max_running_jobs = _bound(max_running)
    _set("SetTenantShare", request, as_json=as_json)


@app.command()
def pause(tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Keep a tenant's jobs from beginning; what runs ends, and submitting works on."""
    _set("PauseTenantJobs", pb.PauseTenantJobsRequest(tenant_id=tenant), as_json=as_json)


@app.command()
def resume(tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Let a paused tenant's jobs begin again."""
    _set("ResumeTenantJobs", pb.ResumeTenantJobsRequest(tenant_id=tenant), as_json=as_json)


def _look(service: Service, tenant: str, tenants: int) -> Any:
    if tenant:
        return ask(service, "GetQueueStats", pb.GetQueueStatsRequest(), tenant)
    request = pb.GetNodeQueueStatsRequest(max_tenants=tenants)
    return ask(service, "GetNodeQueueStats", request)


def _drawn(found: Any) -> RenderableType:
    if isinstance(found, pb.GetQueueStatsResponse):
        return queue_screen.of_tenant(found)
    return queue_screen.of_node(found)


@contextmanager
def _screen(*, as_json: bool) -> Iterator[Callable[[Message | str], None]]:
    """Yields what shows an answer, or the sentence that there is instead of one."""
    console = new_console()

    def tell(found: Message | str) -> None:
        if isinstance(found, str):
            typer.secho(found, err=True, fg=typer.colors.RED)
        else:
            _show(found, _drawn(found), as_json=as_json)

    if as_json or not console.is_terminal:
        yield tell
        return
    with Live(console=console, auto_refresh=False) as live:
        yield lambda found: live.update(
            Text(found, style="red") if isinstance(found, str) else _drawn(found), refresh=True
        )


def _set(method: str, request: Message, *, as_json: bool) -> None:
    with running_node() as node:
        response = ask(jobs_service(node.jobs), method, request)
    _show(response, Text(queue_screen.share_in_words(response.share)), as_json=as_json)


def _bound(max_running: str) -> int:
    if max_running == "none":
        return 0
    if not max_running.isdecimal() or int(max_running) == 0:
        raise typer.BadParameter("must be a number above 0, or none", param_hint="--max-running")
    return int(max_running)


def _show(response: Message, drawn: RenderableType, *, as_json: bool) -> None:
    if as_json:
        print_json(response)
    else:
        new_console().print(drawn)
