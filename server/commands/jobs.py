"""Shows and steers the jobs of one tenant, and the queues of the node."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

import typer

from howdah.common.v1.common_pb2 import Error
from howdah.jobs.v1 import jobs_pb2 as pb
from server.commands import operating, submitting
from server.commands.direct import ask, running_node
from server.commands.output import ExitCode, as_dict, moment, named, print_json, print_table
from server.commands.progress import follow, progress_of, state_of
from server.servicers.jobs import jobs_service

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Show and steer jobs, queues and workers."
)
app.add_typer(submitting.app)
app.add_typer(operating.app)
TENANT = typer.Option(
    ..., "--tenant", envvar="HOWDAH_TENANT", help="Tenant that the job belongs to."
)
JSON = typer.Option(False, "--json", help="Print JSON for programs.")
JSON_LINES = typer.Option(False, "--json", help="Print JSON for programs, a line per change.")
JOB_ID = typer.Argument(help="Id of the job.")


@app.command("list")
def list_jobs(
    tenant: str = TENANT,
    state: str = typer.Option("", help="Only jobs in this state, such as running or dead."),
    kind: str = typer.Option("", help="Only jobs of this kind, such as records.import."),
    batch: str = typer.Option("", help="Only jobs of the batch with this id."),
    page_size: int = typer.Option(50, help="Greatest number of jobs, up to 500."),
    page_token: str = typer.Option("", help="Where the page before ended."),
    as_json: bool = JSON,
) -> None:
    """List jobs, the newest first."""
    request = pb.ListJobsRequest(
        page_size=page_size,
        page_token=page_token,
        kind=kind,
        state=named(pb.JobState, state, "--state"),
        batch_id=batch,
    )
    response = _ask("ListJobs", request, tenant)
    if as_json:
        print_json(response)
        return
    print_table(
        ("JOB", "KIND", "STATE", "PROGRESS", "ATTEMPT", "CREATED", "ERROR"),
        [
            (
                job.job_id,
                job.kind,
                state_of(job),
                progress_of(job),
                f"{job.attempt}/{job.max_attempts}",
                moment(job.create_time),
                job.error.reason,
            )
            for job in response.jobs
        ],
        "There are no such jobs.",
        response.next_page_token,
    )


@app.command()
def get(job_id: str = JOB_ID, tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Show one job."""
    _show(_ask("GetJob", pb.GetJobRequest(job_id=job_id), tenant), as_json=as_json)


@app.command()
def watch(job_id: str = JOB_ID, tenant: str = TENANT, as_json: bool = JSON_LINES) -> None:
    """Follow a job to its end; exits with 0 only where it succeeded."""
    with running_node(tenant) as node:
        request = pb.WatchJobRequest(job_id=job_id)
        changes = ask(jobs_service(node.jobs), "WatchJob", request, tenant)
        if as_json:
            job = None
            for change in changes:
                print_json(change)
                job = change.job
        else:
            job = follow(change.job for change in changes)
            if job is not None and job.HasField("error"):
                typer.echo(_why(job), err=True)
    _end(job)


@app.command()
def wait(
    job_id: str = JOB_ID,
    tenant: str = TENANT,
    seconds: float = typer.Option(60.0, help="How long to wait at most.", min=0),
    as_json: bool = JSON,
) -> None:
    """Wait for a job to end; exits with 0 only where it succeeded within the time."""
    with running_node(tenant) as node:
        service, until = jobs_service(node.jobs), time.monotonic() + seconds
        while True:
            request = pb.WaitJobRequest(job_id=job_id)
            request.timeout.FromMilliseconds(
                int(1000 * min(25.0, max(0.0, until - time.monotonic())))
            )
            response = ask(service, "WaitJob", request, tenant)
            if response.job.HasField("finish_time") or time.monotonic() >= until:
                break
    _show(response, as_json=as_json)
    _end(response.job)


@app.command()
def cancel(job_id: str = JOB_ID, tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Cancel a job, or ask it to stop where it runs."""
    _show(_ask("CancelJob", pb.CancelJobRequest(job_id=job_id), tenant), as_json=as_json)


@app.command()
def retry(job_id: str = JOB_ID, tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Put an ended job back into its queue."""
    _show(_ask("RetryJob", pb.RetryJobRequest(job_id=job_id), tenant), as_json=as_json)


@app.command()
def explain(job_id: str = JOB_ID, tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Say why a job is where it is."""
    response = _ask("ExplainJob", pb.ExplainJobRequest(job_id=job_id), tenant)
    if as_json:
        print_json(response)
    else:
        typer.echo(response.explanation)


@app.command()
def replay(
    tenant: str = TENANT,
    state: str = typer.Option("", help="Only dead or only quarantined jobs; both by default."),
    kind: str = typer.Option("", help="Only jobs of this kind, such as records.import."),
    reason: str = typer.Option("", help="Only jobs whose last error has this reason."),
    max_jobs: int = typer.Option(1_000, help="Greatest number of jobs, up to 1000."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only tell which."),
    as_json: bool = JSON,
) -> None:
    """Put dead and quarantined jobs back into their queues, the oldest first."""
    request = pb.ReplayDeadJobsRequest(
        state=named(pb.JobState, state, "--state"),
        kind=kind,
        reason=reason,
        max_jobs=max_jobs,
        dry_run=dry_run,
    )
    response = _ask("ReplayDeadJobs", request, tenant)
    if as_json:
        print_json(response)
        return
    for job_id in response.job_ids:
        typer.echo(job_id)
    done = "would be replayed" if dry_run else "replayed"
    more = "; there are more" if response.more else ""
    count = len(response.job_ids)
    typer.echo(f"{count} {'job' if count == 1 else 'jobs'} {done}{more}.", err=True)


def _ask(method: str, request: Any, tenant: str) -> Any:
    with running_node(tenant) as node:
        return ask(jobs_service(node.jobs), method, request, tenant)


def _show(response: Any, *, as_json: bool) -> None:
    job = response.job
    if as_json:
        print_json({**as_dict(response), "outcome": _outcome(job)})
        return
    for name, value in _facts(job):
        if value:
            typer.echo(f"{name:<12}{value}")


def _outcome(job: pb.Job) -> dict[str, Any] | None:
    """Returns what a job came to as `{ok, data, error}`; None where it has not ended."""
    if not job.HasField("finish_time"):
        return None
    if job.state == pb.JOB_STATE_SUCCEEDED:
        return {"ok": True, "data": as_dict(job.result), "error": None}
    error = job.error
    if not job.HasField("error"):
        error = Error(
            code="CANCELLED",
            message=f"The job ended as {state_of(job)}.",
            correlation_id=job.correlation_id,
        )
    return {"ok": False, "data": None, "error": as_dict(error)}


def _facts(job: pb.Job) -> Iterable[tuple[str, str]]:
    yield "job", job.job_id
    yield "kind", job.kind
    stops = job.cancel_requested and not job.HasField("finish_time")
    yield "state", state_of(job) + (", asked to stop" if stops else "")
    yield "progress", progress_of(job)
    yield "attempt", f"{job.attempt} of {job.max_attempts}"
    yield "crashes", str(job.crash_count or "")
    yield "created", moment(job.create_time)
    if job.state == pb.JOB_STATE_QUEUED:
        yield "due", moment(job.run_time)
    yield "started", moment(job.start_time)
    yield "finished", moment(job.finish_time)
    yield "file", job.file_id
    if job.HasField("result"):
        yield "result", json.dumps(as_dict(job.result), ensure_ascii=False)
    if job.HasField("error"):
        yield "error", _why(job)
    yield "unique key", job.unique_key
    yield "batch", job.batch_id
    yield "next job", job.next_job_id
    yield "correlation", job.correlation_id


def _why(job: pb.Job) -> str:
    return f"{job.error.reason}: {job.error.message}"


def _end(job: pb.Job | None) -> None:
    if job is None or job.state != pb.JOB_STATE_SUCCEEDED:
        raise typer.Exit(ExitCode.REFUSED)
