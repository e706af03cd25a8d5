"""Boots a real worker process with kinds of the tests': `dramatiq tests.jobs_worker:boot`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import dramatiq
import redis

from core.config import Settings, load_settings
from core.jobs.isolated import run_isolated, stack_kept
from core.jobs.kind import Done, JobKind, JobRun, Outcome
from core.jobs.order import Order
from core.platform.database import Database
from core.platform.logging import configure_logging
from core.platform.postgres import open_engine
from core.platform.processes import ChildMain
from core.platform.signals import JobSignals
from core.platform.system_database import SystemDatabase
from core.platform.telemetry import new_registry
from core.platform.unit_of_work import UnitOfWork
from workers.broker import build_broker


def count(run: JobRun) -> Outcome:
    """Writes one product a chunk, with a checkpoint, and its own pid where it was told to."""
    total = run.payload["chunks"]
    first = 0 if run.checkpoint is None else run.checkpoint["chunk"] + 1
    for chunk in range(first, total):
        with run.begin() as unit:
            write_product(unit, f"{run.job_id}-{chunk}")
            run.save(unit, {"chunk": chunk})
            unit.commit(None)
        run.progress("chunks", chunk + 1, total)
        Path(run.payload["pid_file"]).write_text(str(os.getpid()), "ascii")
        time.sleep(run.payload["seconds"])
        run.proceed()
    return Done({"resumed_at": first}, write=lambda unit: write_product(unit, run.job_id))


def deaf(run: JobRun) -> Outcome:
    """Sleeps without ever looking whether it has to end."""
    time.sleep(run.payload["seconds"])
    return Done({}, write=lambda unit: write_product(unit, run.job_id))


def write_product(unit: UnitOfWork, sku: str) -> None:
    # No ON CONFLICT: what is written twice breaks.
    unit.execute(
        "INSERT INTO products (tenant_id, sku) VALUES (:tenant_id, :sku)",
        {"tenant_id": unit.context.tenant_id, "sku": sku},
    )


def worker_kinds() -> dict[str, JobKind]:
    """Returns the kinds, or those of them that TEST_JOB_KINDS names."""
    known = os.environ.get("TEST_JOB_KINDS", "").split(",")
    return {
        kind.name: kind
        for kind in (
            JobKind("count", count, max_attempts=1),
            JobKind("deaf", deaf, max_attempts=1),
        )
        if known == [""] or kind.name in known
    }


def boot() -> None:
    """Does what workers.main does, on kinds of the tests'."""
    serve(worker_kinds(), isolated)


def isolated(worker: Connection[Any, Any], order: Order) -> None:
    run_in_child(worker, order, worker_kinds())


def serve(kinds: Mapping[str, JobKind], isolated: ChildMain) -> None:
    settings = load_settings()
    writer = configure_logging(settings, "worker")
    database, system = connect(settings)
    assert settings.system_database_url is not None
    assert settings.redis_url is not None

    def leave() -> None:
        writer.flush()
        os._exit(0)

    dramatiq.set_broker(
        build_broker(
            settings,
            database=database,
            system=system,
            client=redis.Redis.from_url(
                settings.redis_url.get_secret_value(), socket_timeout=1, retry=None
            ),
            signals=JobSignals(settings.system_database_url.get_secret_value()),
            kinds=kinds,
            isolated=isolated,
            registry=new_registry(),
            close=lambda: None,
            leave=leave,
        )
    )


def run_in_child(worker: Connection[Any, Any], order: Order, kinds: Mapping[str, JobKind]) -> None:
    """Does what workers.isolated does, on kinds of the tests'."""
    settings = load_settings()
    writer = configure_logging(settings, "worker-job")
    database, system = connect(settings)
    try:
        with stack_kept(order):
            run_isolated(worker, order, database=database, system=system, kinds=kinds)
    finally:
        writer.close()


def connect(settings: Settings) -> tuple[Database, SystemDatabase]:
    assert settings.database_url is not None
    assert settings.system_database_url is not None
    app, system = settings.database_url, settings.system_database_url
    return (
        Database(open_engine(app.get_secret_value(), pool_size=8, connect_timeout_seconds=1)),
        SystemDatabase(
            open_engine(system.get_secret_value(), pool_size=4, connect_timeout_seconds=1)
        ),
    )
