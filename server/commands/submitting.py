"""Submits jobs by their kind: alone, in batches, in chains; shows and cancels batches."""

from __future__ import annotations

from typing import Any, TypeVar

import typer
from google.protobuf import json_format
from google.protobuf.message import Message

from howdah.jobs.v1 import jobs_pb2 as pb
from server.commands.direct import ask, running_node
from server.commands.output import moment, named, print_json
from server.servicers.jobs import jobs_service

M = TypeVar("M", bound=Message)

app = typer.Typer(add_completion=False)
TENANT = typer.Option(
    ..., "--tenant", envvar="HOWDAH_TENANT", help="Tenant that the job belongs to."
)
JSON = typer.Option(False, "--json", help="Print JSON for programs.")
FILE = typer.Argument(help="File with the request as JSON; `-` for standard input.")
BATCH_ID = typer.Argument(help="Id of the batch.")


@app.command()
def submit(
    kind: str = typer.Argument(help="Kind of job, such as documents.workbook."),
    tenant: str = TENANT,
    payload: str = typer.Option("{}", help="What the kind is given, as a JSON object."),
    delay: float = typer.Option(0.0, help="Seconds to wait before it may begin.", min=0),
    at: str = typer.Option("", help="When it may begin, such as 2026-12-24T18:00:00Z."),
    expire_after: float = typer.Option(0.0, help="Seconds after which it is not begun.", min=0),
    priority: str = typer.Option("", help="interactive, default or bulk; the kind's by default."),
    unique_key: str = typer.Option("", help="Key that no other open job of the kind has."),
    unique_policy: str = typer.Option(
        "refuse", help="Where there is one: return-existing, replace-payload or refuse."
    ),
    as_json: bool = JSON,
) -> None:
    """Submit a job by its kind."""
    spec = pb.JobSpec(kind=kind, priority=named(pb.JobPriority, priority, "--priority"))
    _parse(payload, spec.payload, "--payload")
    if delay:
        spec.delay.FromMicroseconds(int(delay * 1_000_000))
    if at:
        _parse(f'"{at}"', spec.run_time, "--at")
    if expire_after:
        spec.expire_after.FromMicroseconds(int(expire_after * 1_000_000))
    if unique_key:
        spec.unique.key = unique_key
        spec.unique.policy = named(pb.UniquePolicy, unique_policy, "--unique-policy")
    response = _ask("SubmitJob", pb.SubmitJobRequest(spec=spec), tenant)
    if as_json:
        print_json(response)
        return
    typer.echo(response.job.job_id)
    if response.existed:
        typer.echo("The job was there already.", err=True)


@app.command()
def batch(file: typer.FileText = FILE, tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Submit a batch: `{"jobs": [{"kind": …, "payload": …}, …], "callback": {…}}`."""
    request = _parse(file.read(), pb.SubmitBatchRequest(), "FILE")
    response = _ask("SubmitBatch", request, tenant)
    if as_json:
        print_json(response)
    else:
        _show(response.batch)


@app.command()
def chain(file: typer.FileText = FILE, tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Submit a chain, each of whose jobs follows the one before: `{"jobs": [{"kind": …}, …]}`."""
    request = _parse(file.read(), pb.SubmitChainRequest(), "FILE")
    response = _ask("SubmitChain", request, tenant)
    if as_json:
        print_json(response)
        return
    for job in response.jobs:
        typer.echo(job.job_id)


@app.command("get-batch")
def get_batch(batch_id: str = BATCH_ID, tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Show how many jobs of a batch have ended, and how."""
    response = _ask("GetBatch", pb.GetBatchRequest(batch_id=batch_id), tenant)
    if as_json:
        print_json(response)
    else:
        _show(response.batch)


@app.command("cancel-batch")
def cancel_batch(
    batch_id: str = BATCH_ID,
    tenant: str = TENANT,
    with_callback: bool = typer.Option(False, help="Cancel what follows the batch, too."),
    as_json: bool = JSON,
) -> None:
    """Cancel the jobs of a batch, or ask them to stop where they run."""
    request = pb.CancelBatchRequest(batch_id=batch_id, with_callback=with_callback)
    response = _ask("CancelBatch", request, tenant)
    if as_json:
        print_json(response)
    else:
        _show(response.batch)


def _ask(method: str, request: Message, tenant: str) -> Any:
    with running_node(tenant) as node:
        return ask(jobs_service(node.jobs), method, request, tenant)


def _parse(text: str, message: M, option: str) -> M:
    try:
        return json_format.Parse(text, message)
    except json_format.ParseError as fault:
        raise typer.BadParameter(str(fault), param_hint=option) from None


def _show(batch: pb.Batch) -> None:
    counts = ("open", "succeeded", "failed", "dead", "cancelled", "expired", "quarantined")
    typer.echo(f"{'batch':<12}{batch.batch_id}")
    typer.echo(f"{'jobs':<12}{batch.total}")
    for name in counts:
        if count := getattr(batch, name):
            typer.echo(f"{name:<12}{count}")
    if batch.callback_job_id:
        typer.echo(f"{'callback':<12}{batch.callback_job_id}")
    typer.echo(f"{'created':<12}{moment(batch.create_time)}")
    if batch.HasField("finish_time"):
        typer.echo(f"{'finished':<12}{moment(batch.finish_time)}")
