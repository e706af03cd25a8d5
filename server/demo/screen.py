"""Prints the steps of the demonstration, how long each took, and what each found."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from howdah.jobs.v1 import jobs_pb2 as jobs


class StepFailedError(Exception):
    """Says in a sentence why a step did not show what it was to show."""


class Screen:
    """Is the terminal, or a pipe, that the demonstration is shown on."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        self.durations: list[tuple[str, float]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Shows the step's name before, and its duration after it has worked."""
        self.console.print(f"\n[bold]{name}[/bold]")
        started = time.monotonic()
        yield
        self.durations.append((name, time.monotonic() - started))
        self.console.print(f"[green]✓[/green] [dim]{self.durations[-1][1]:.1f} s[/dim]")

    def say(self, sentence: str) -> None:
        """Prints a line of the step; square brackets in it are not styles."""
        self.console.print(f"  {sentence}", markup=False, soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Prints figures, the first column to the left and the others to the right."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for number, column in enumerate(columns):
            table.add_column(column, justify="left" if number == 0 else "right")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    def bars(self) -> Progress:
        """Returns progress bars to be used with `with`."""
        return Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[where]}"),
            TimeElapsedColumn(),
            console=self.console,
        )


def draw(bars: Progress, task: int, job: jobs.Job) -> None:
    """Draws how far the job is."""
    progress = job.progress
    ended = job.HasField("finish_time")
    count = f"{progress.done:,}" + (f" of {progress.total:,}" if progress.total else "")
    state = jobs.JobState.Name(job.state).removeprefix("JOB_STATE_").lower()
    bars.update(
        task,  # type: ignore[arg-type] # rich's TaskID is an int by another name.
        completed=1 if ended else progress.done,
        total=1 if ended else progress.total or None,
        where=state if ended or not progress.phase else f"{progress.phase} {count}",
    )
