"""Measures the import of cdnow and the 50-tab workbook over it, through RPC on a whole node.

Every round is a tenant of its own on one node (`howdah up`: two server processes, workers and
dispatcher as a user has them). Times are the caller's: from the call that starts the job to the
news that it has succeeded. The peak is the largest resident set of any process of the workers.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from openpyxl import load_workbook

from benchmarks.memory import WorkerMemory
from benchmarks.neighbours import wait_for_quiet
from benchmarks.node import create_credential, whole_node
from benchmarks.results import ROOT, Found, spread
from howdah.jobs.v1 import jobs_pb2
from howdah_client import Credential, SignedChannel, connect
from server.demo import work
from server.demo.callers import TENANTS, DemoTenant

CDNOW_ROWS = 69_659
SAMPLES = ROOT / "samples"
LARGEST_ROUNDS = 3
PATIENCE_SECONDS = 60.0

Numbers = dict[str, float]


def measure(*, rounds: int, seconds: float) -> Found:  # noqa: ARG001 - a job takes what it takes.
    """Imports and builds once a round; fails where a row is missing."""
    rounds = min(rounds, LARGEST_ROUNDS)
    with (
        tempfile.TemporaryDirectory(prefix="howdah-bench-") as directory,
        whole_node(Path(directory)) as node,
    ):
        memory = WorkerMemory(node.server)
        seen = []
        for number in range(rounds):
            tenant = replace(TENANTS[0], tenant_id=f"bench-{number}")
            key = create_credential(node.environment, tenant.tenant_id)
            channel = connect(
                node.address, Credential(key.key_id, key.secret), tenant=tenant.tenant_id
            )
            with channel:
                seen.append(_round(channel, tenant, memory, Path(directory)))
    figures = {name: spread([one[name] for one in seen]) for name in seen[0]}
    return Found({}, {"rounds": rounds, "cdnow_rows": CDNOW_ROWS, **figures})


def _round(
    channel: SignedChannel, tenant: DemoTenant, memory: WorkerMemory, directory: Path
) -> Numbers:
    wait_for_quiet(PATIENCE_SECONDS)
    found: Numbers = {}
    started = time.monotonic()
    file_id = work.upload(channel, SAMPLES / tenant.sample, lambda _done, _total: None)
    found["cdnow_upload_seconds"] = time.monotonic() - started

    def start_import() -> jobs_pb2.Job:
        return work.start_import(channel, file_id, SAMPLES / tenant.mapping)

    imported = _run(channel, start_import, memory, found, "cdnow_import")
    stored = int(imported.result.fields["rows_stored"].number_value)
    if stored != CDNOW_ROWS:
        raise RuntimeError(f"{stored} rows were stored, not {CDNOW_ROWS}")
    found["cdnow_rows_per_second"] = stored / found["cdnow_import_seconds"]

    def start_workbook() -> jobs_pb2.Job:
        return work.start_workbook(channel, tenant)

    workbook = _run(channel, start_workbook, memory, found, "workbook")
    path, size, _ = work.download(channel, workbook.file_id, directory / "downloads")
    found["workbook_tabs"] = float(len(load_workbook(path, read_only=True).sheetnames))
    found["workbook_kib"] = size / 1024
    return found


def _run(
    channel: SignedChannel,
    start: Callable[[], jobs_pb2.Job],
    memory: WorkerMemory,
    found: Numbers,
    name: str,
) -> jobs_pb2.Job:
    started = time.monotonic()
    with memory.watched() as peak:
        job = work.follow(channel, start(), lambda _change: None)
        found[f"{name}_seconds"] = time.monotonic() - started
    found[f"{name}_worker_before_mib"] = peak.before_mib
    found[f"{name}_worker_peak_mib"] = peak.peak_mib
    print(f"import: {name}: {found[f'{name}_seconds']:.2f} s, {peak.peak_mib:.0f} MiB", flush=True)
    return job
