"""Boots a real worker with kinds that harm it: `dramatiq tests.poison_worker:boot`.

Each is there twice, as `<name>` in the worker itself and as `isolated_<name>` in its own process.
"""

from __future__ import annotations

import ctypes
import os
import re
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import dramatiq

from core.jobs.kind import Done, Handler, JobKind, JobRun, Outcome
from core.jobs.order import Order
from tests.jobs_worker import run_in_child, serve, write_product
from workers.consumer import BlockingBroker

MIB = 1024**2
TIME_LIMIT_SECONDS = 1.5
CHILD_MEMORY_BYTES = 200 * MIB


def segfault(_run: JobRun) -> Outcome:
    return Done({"text": ctypes.string_at(0)})


def eat(_run: JobRun) -> Outcome:
    """Takes memory without a word, in pieces that are small beside any limit."""
    eaten = []
    while True:
        eaten.append(bytearray(os.urandom(1)) * (4 * MIB))
        time.sleep(0.01)


def gulp(_run: JobRun) -> Outcome:
    """Takes so much at a time that nobody can see it coming."""
    return Done({"bytes": len(b"x" * (1 << 36))})


def hold(_run: JobRun) -> Outcome:
    """Loops in C for ever, and lets no other thread of the process run."""
    return Done({"found": bool(re.fullmatch(r"(x+x+)+y", "x" * 100))})


def sleep(_run: JobRun) -> Outcome:
    """Sleeps in C for ever; other threads run."""
    while True:
        # A signal ends one sleep.
        ctypes.CDLL(None).sleep(3600)


def count(run: JobRun) -> Outcome:
    """Writes a product a step with a checkpoint, tells its process, and ends when it has to."""
    first = 0 if run.checkpoint is None else run.checkpoint["step"] + 1
    for step in range(first, run.payload["steps"]):
        with run.begin() as unit:
            write_product(unit, f"{run.job_id}-{step}")
            run.save(unit, {"step": step})
            unit.commit(None)
        (run.directory / "step").write_text(str(step), "ascii")
        run.progress("steps", step + 1, run.payload["steps"], f"{os.getpid()} {run.directory}")
        time.sleep(run.payload["seconds"])
        run.proceed()
    return Done(
        {"pid": os.getpid(), "first": first, "directory": str(run.directory)},
        write=lambda unit: write_product(unit, run.job_id),
    )


def fill(run: JobRun) -> Outcome:
    """Has its worker use more than it may, once, and goes on with its checkpoint after that."""
    if run.checkpoint is None:
        with run.begin() as unit:
            run.save(unit, {"filled": True})
            unit.commit(None)
        filled = os.urandom(1) * (run.payload["mib"] * MIB)
        while filled:
            run.proceed()
            time.sleep(0.01)
    return Done({"pid": os.getpid()})


def deaf(run: JobRun) -> Outcome:
    """Sees no stop, in Python."""
    Path(run.payload["pid_file"]).write_text(str(os.getpid()), "ascii")
    time.sleep(run.payload["seconds"])
    return Done({}, write=lambda unit: write_product(unit, run.job_id))


def jam(_run: JobRun) -> Outcome:
    """Takes a lock that the loops of the worker need, for ever; its threads run on."""
    broker = dramatiq.get_broker()
    assert isinstance(broker, BlockingBroker)
    assert broker._places is not None
    broker._places._changed.acquire()
    return Done({"pid": os.getpid()})


HANDLERS: tuple[tuple[str, Handler, float], ...] = (
    ("segfault", segfault, 60),
    ("eat", eat, 60),
    ("gulp", gulp, 60),
    ("hold", hold, TIME_LIMIT_SECONDS),
    ("sleep", sleep, TIME_LIMIT_SECONDS),
    ("count", count, 60),
    ("fill", fill, 60),
    ("deaf", deaf, 60),
    ("jam", jam, 60),
)


def poison_kinds() -> dict[str, JobKind]:
    kinds = {}
    for name, handler, seconds in HANDLERS:
        kinds[name] = JobKind(name, handler, time_limit_seconds=seconds)
        kinds[f"isolated_{name}"] = JobKind(
            f"isolated_{name}",
            handler,
            time_limit_seconds=seconds,
            isolated=True,
            memory_limit_bytes=CHILD_MEMORY_BYTES,
        )
    return kinds


def boot() -> None:
    serve(poison_kinds(), isolated)


def isolated(worker: Connection[Any, Any], order: Order) -> None:
    run_in_child(worker, order, poison_kinds())
