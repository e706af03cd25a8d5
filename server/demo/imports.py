"""Shows both samples on their way in: the pieces of the upload, then the rows of the import."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.progress import Progress

from howdah.jobs.v1 import jobs_pb2
from howdah_client import SignedChannel
from server.demo import work
from server.demo.callers import DemoTenant
from server.demo.screen import Screen, StepFailedError, draw


def import_samples(
    screen: Screen, channels: dict[DemoTenant, SignedChannel], samples: Path
) -> None:
    """Imports all samples at once; rows in must be rows stored and rows rejected together."""
    with screen.bars() as bars, ThreadPoolExecutor(len(channels)) as threads:
        started = {
            tenant: threads.submit(import_one, bars, tenant, channel, samples)
            for tenant, channel in channels.items()
        }
        ended = {tenant: job.result() for tenant, job in started.items()}
    for tenant, job in ended.items():
        rows, stored, rejected = (
            int(job.result.fields[name].number_value)
            for name in ("rows_in", "rows_stored", "rows_rejected")
        )
        verdict = "=" if rows == stored + rejected else "≠"
        screen.say(
            f"{tenant.tenant_id:<7} {rows:,} rows in {verdict}"
            f" {stored:,} stored + {rejected:,} rejected"
        )
        if rows != stored + rejected or not rows:
            raise StepFailedError(f"Rows of {tenant.tenant_id} are missing.")


def import_one(
    bars: Progress, tenant: DemoTenant, channel: SignedChannel, samples: Path
) -> jobs_pb2.Job:
    """Uploads and imports one sample; returns the job once it has succeeded."""
    task = bars.add_task(f"{tenant.tenant_id:<7} {tenant.sample}", total=None, where="")

    def sent(done: int, total: int) -> None:
        where = f"upload {done / 1024:,.0f} of {total / 1024:,.0f} KiB"
        bars.update(task, completed=done, total=total, where=where)

    file_id = work.upload(channel, samples / tenant.sample, sent)
    job = work.start_import(channel, file_id, samples / tenant.mapping)
    return work.follow(channel, job, lambda change: draw(bars, task, change))
