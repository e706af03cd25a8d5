"""Shows a job's progress as a bar."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from howdah.jobs.v1 import jobs_pb2 as pb


def follow(changes: Iterable[pb.Job], label: str = "") -> pb.Job | None:
    """Draws each change and returns the last; without a terminal only the last is printed."""
    job = None
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        TextColumn("{task.fields[where]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console()) as bars:
        task = bars.add_task(label, total=None, where="waiting")
        for job in changes:
            progress = job.progress
            bars.update(
                task,
                description=label or job.kind,
                completed=progress.done,
                total=progress.total or None,
                where=f"{state_of(job):<10} {progress_of(job)}",
            )
        if job is not None and job.state == pb.JOB_STATE_SUCCEEDED:
            bars.update(task, total=1, completed=1)
    return job


def state_of(job: pb.Job) -> str:
    """Returns the state as the command line names it."""
    return pb.JobState.Name(job.state).removeprefix("JOB_STATE_").lower()


def progress_of(job: pb.Job) -> str:
    """Returns how far the job is, in words."""
    progress = job.progress
    if not progress.phase:
        return ""
    if not progress.total:
        return f"{progress.phase} {progress.done:,}"
    return f"{progress.phase} {progress.done:,}/{progress.total:,}"
