"""Says how the workers of each queue are started: two processes, eight jobs at a time in each."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from benchmarks.processes import started
from benchmarks.queues import ground
from benchmarks.queues.ground import Ground
from benchmarks.queues.marks import VARIABLE as MARKS_VARIABLE
from benchmarks.queues.queue import POSTGRES_VARIABLE, REDIS_VARIABLE
from core.config import load_settings
from server.programs import dispatcher_program, worker_programs

PROCESSES, THREADS = 2, 8
MANY_SAMPLES, FEW_SAMPLES = 200, 30
JOBS = 3_000
HOWDAH_BOOT = "benchmarks.queues.on_howdah:boot"
PYTHON = (sys.executable, "-m")

Command = tuple[str, ...]


@dataclass(frozen=True)
class Program:
    """Is one process to start, with what it has in its environment beside what all have."""

    command: Command
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Contestant:
    """Is one queue with its workers: `module` is the `on_*` that they and the submitter import."""

    name: str
    module: str
    workers: tuple[Program, ...]
    template: str = ground.EMPTY
    samples: int = FEW_SAMPLES
    jobs: int = JOBS


def contestants(on: Ground) -> list[Contestant]:
    """Returns all of them."""
    howdah = _howdah(on)
    return [
        Contestant("howdah", "howdah", howdah, samples=MANY_SAMPLES),
        Contestant("howdah_1m_rows", "howdah", howdah, ground.FULL, MANY_SAMPLES),
        Contestant("dramatiq", "dramatiq", (_dramatiq(),)),
        Contestant("celery", "celery", (_celery("prefork", PROCESSES),)),
        Contestant(
            "celery_threads",
            "celery",
            tuple(_celery("threads", THREADS, f"{one}@%h") for one in range(PROCESSES)),
        ),
        # A fork a job: a burst of as many as the others have would take half a minute.
        Contestant("rq", "rq", (_rq(),) * PROCESSES, jobs=JOBS // 5),
        Contestant("rq_simple_worker", "rq", (_rq("--simple"),) * PROCESSES),
        Contestant(
            "postgres_queue", "procrastinate", (_procrastinate(),) * PROCESSES, ground.PROCRASTINATE
        ),
    ]


def _howdah(on: Ground) -> tuple[Program, ...]:
    """Returns what `howdah up` runs for jobs, with the kind of the benchmark beside the others."""
    settings = load_settings(
        on.howdah_environment("any"),
        worker_processes=PROCESSES,
        worker_threads=THREADS,
        # Webhooks have workers of their own, which these jobs are none of.
        webhook_worker_processes=0,
    )
    return tuple(
        Program(
            tuple(HOWDAH_BOOT if part == "workers.main:boot" else part for part in one.command),
            one.environment,
        )
        for one in (*worker_programs(settings), dispatcher_program())
    )


def _dramatiq() -> Program:
    module = "benchmarks.queues.on_dramatiq"
    return Program(
        (
            *(*PYTHON, "dramatiq", module),
            *("--processes", str(PROCESSES), "--threads", str(THREADS)),
        )
    )


def _celery(pool: str, concurrency: int, name: str = "celery@%h") -> Program:
    # Its default is prefork with one task a process; threads are what the others here have.
    return Program(
        (
            *(*PYTHON, "celery", "--app", "benchmarks.queues.on_celery", "worker"),
            *("--hostname", name, "--pool", pool, "--concurrency", str(concurrency)),
        )
    )


def _rq(*options: str) -> Program:
    return Program((*PYTHON, "benchmarks.queues.on_rq", *options))


def _procrastinate() -> Program:
    return Program(
        (
            *(*PYTHON, "procrastinate", "--app", "benchmarks.queues.on_procrastinate.app"),
            *("worker", "--concurrency", str(THREADS)),
        )
    )


@contextmanager
def working(contestant: Contestant, on: Ground) -> Iterator[Mapping[str, str]]:
    """Yields the environment of the submitter while the workers run, on a database of their own."""
    marks = on.directory / "marks"
    marks.unlink(missing_ok=True)
    cores = os.sched_getaffinity(0)
    with on.fresh(contestant.template) as database, ExitStack() as stack:
        environment = {
            **on.howdah_environment(database),
            MARKS_VARIABLE: str(marks),
            REDIS_VARIABLE: on.redis_url,
            POSTGRES_VARIABLE: on.url("postgres", database),
        }
        for number, program in enumerate(contestant.workers):
            stack.enter_context(
                started(
                    program.command,
                    on.directory / f"worker-{number}.log",
                    cores=cores,
                    environment={**environment, **program.environment},
                )
            )
        yield environment
