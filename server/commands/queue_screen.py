"""Draws what waits and runs, and who runs it, for `howdah jobs stats`, `top` and `workers`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from google.protobuf.duration_pb2 import Duration
from rich.console import Group, RenderableType
from rich.text import Text

from howdah.jobs.v1 import jobs_pb2 as pb
from server.commands.output import as_table, moment

NOTHING = Text("There are no workers and no jobs.", style="dim")
COUNTS = ("WAITING", "OLDEST", "LATER", "HELD", "SENT", "RUNNING", "ENDED/MIN")


def of_tenant(stats: pb.GetQueueStatsResponse) -> RenderableType:
    """Draws the queues of one tenant."""
    paused = [Text("The tenant's jobs are paused.", style="yellow")] if stats.paused else []
    return Group(_queues(stats.queues), *paused)


def of_node(stats: pb.GetNodeQueueStatsResponse) -> RenderableType:
    """Draws the queues of the node, the busiest tenants, and what waits in vain."""
    parts: list[RenderableType] = [_queues(stats.queues)]
    if stats.tenants:
        rows = [(load.tenant_id, *_counts(load), _share(load.share)) for load in stats.tenants]
        if stats.other_tenants:
            rows.append((f"{stats.other_tenants} others", *_counts(stats.others), ""))
        parts += [Text(), as_table(("TENANT", *COUNTS, "SHARE"), rows)]
    return Group(*parts, *_without_worker(stats.kinds_without_worker))


def of_workers(workers: Sequence[pb.Worker]) -> RenderableType:
    """Draws the live workers."""
    if not workers:
        return Text("There are no live workers.", style="dim")
    return as_table(
        ("WORKER", "HOST", "STARTED", "SEEN", "BUSY", "QUEUES", "KINDS"),
        [
            (
                worker.worker_id,
                worker.host,
                moment(worker.start_time),
                moment(worker.seen_time),
                f"{worker.busy} of {worker.places}",
                "\n".join(worker.queues),
                "\n".join(f"{kind} v{worker.versions.get(kind, 1)}" for kind in worker.kinds),
            )
            for worker in workers
        ],
    )


def share_in_words(share: pb.TenantShare) -> str:
    """Returns a tenant's share as a sentence."""
    return f"{share.tenant_id}: {_share(share)}."


def _queues(queues: Sequence[pb.QueueStats]) -> RenderableType:
    if not queues:
        return NOTHING
    return as_table(
        ("QUEUE", *COUNTS, "PLACES"),
        [
            (
                queue.queue,
                *_counts(queue),
                queue.places,
            )
            for queue in queues
        ],
    )


def _counts(row: pb.QueueStats | pb.TenantLoad) -> tuple[object, ...]:
    return (
        row.waiting,
        _seconds(row.oldest_wait),
        row.delayed,
        row.held,
        row.dispatched,
        row.running,
        _ended(row),
    )


def _ended(row: pb.QueueStats | pb.TenantLoad) -> str:
    """Returns how many ended, and how many of them other than well where that is known."""
    bad = (
        [
            f"{ended.jobs} {pb.JobState.Name(ended.state).removeprefix('JOB_STATE_').lower()}"
            for ended in row.ended
            if ended.state != pb.JOB_STATE_SUCCEEDED
        ]
        if isinstance(row, pb.QueueStats)
        else []
    )
    return f"{row.ended_last_minute}" + (f" ({', '.join(bad)})" if bad else "")


def _share(share: pb.TenantShare) -> str:
    parts = [f"weight {share.weight}"]
    if share.max_running_jobs:
        parts.append(f"at most {share.max_running_jobs}")
    if share.paused:
        parts.append("paused")
    return ", ".join(parts)


def _without_worker(kinds: Sequence[pb.KindWithoutWorker]) -> Iterator[RenderableType]:
    for kind in kinds:
        yield Text(
            f"No live worker runs {kind.kind}: {kind.waiting} jobs wait,"
            f" the oldest for {_seconds(kind.oldest_wait)}.",
            style="red",
        )


def _seconds(duration: Duration) -> str:
    return f"{duration.ToMilliseconds() / 1000:.1f} s"
