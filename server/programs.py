"""Says which processes a node is made of, how each is started, and how long it may take to stop."""

from __future__ import annotations

import os
import sys

from core.config import PROCESS_INDEX, SECRETS, Settings
from core.platform.telemetry import DIRECTORY_VARIABLE, metrics_directory
from core.webhooks.delivery import WEBHOOK_QUEUE
from server.supervisor import Program

# For what comes before and after the drain itself.
SLACK_SECONDS = 3.0
DISPATCHER_STOP_SECONDS = 10.0
# The setting that a worker reads its own queues from.
QUEUES_VARIABLE = "HOWDAH_WORKER_QUEUES"
# Callers are let go first: what they wait for may be a job that still runs.
CALLS, JOBS = 0, 1


def server_programs(settings: Settings) -> list[Program]:
    """Returns the gRPC processes. They share the port; only the first serves the unix socket."""
    return [
        Program(
            name=f"server-{index}",
            command=(sys.executable, "-m", "server.process"),
            stop_seconds=settings.drain_wait_seconds + settings.drain_grace_seconds + SLACK_SECONDS,
            stage=CALLS,
            environment={PROCESS_INDEX: str(index)},
        )
        for index in range(settings.server_processes)
    ]


def worker_programs(settings: Settings) -> list[Program]:
    """Returns the workers, and those that deliver webhooks: a slow receiver holds no other job."""
    jobs = [
        _worker(settings, str(index), settings.worker_queues, settings.worker_threads)
        for index in range(settings.worker_processes)
    ]
    webhooks = [
        _worker(settings, f"webhooks-{index}", (WEBHOOK_QUEUE,), settings.webhook_worker_threads)
        for index in range(settings.webhook_worker_processes)
    ]
    return [*jobs, *webhooks]


def _worker(settings: Settings, index: str, queues: tuple[str, ...], threads: int) -> Program:
    """Returns one worker: Dramatiq's own command with one process, so that each is watched."""
    return Program(
        name=f"worker-{index}",
        command=(
            *(sys.executable, "-m", "dramatiq", "workers.main:boot", "--skip-logging"),
            *("--processes", "1", "--threads", str(threads)),
            *("--worker-shutdown-timeout", str(int(settings.worker_drain_seconds * 1000))),
            *("--queues", *queues),
        ),
        stop_seconds=settings.worker_drain_seconds + SLACK_SECONDS,
        stage=JOBS,
        environment={PROCESS_INDEX: index, QUEUES_VARIABLE: ",".join(queues)},
    )


def dispatcher_program() -> Program:
    """Returns the dispatcher; any number of them may run on one database."""
    return Program(
        name="dispatcher",
        command=(sys.executable, "-m", "workers.dispatcher"),
        stop_seconds=DISPATCHER_STOP_SECONDS,
        stage=JOBS,
    )


def demonstration_program(*, started: float, ends_node: bool) -> Program:
    """Returns the demonstration, which calls the node as any client would.

    `started` is when the node was, on the monotonic clock that all processes share.
    """
    return Program(
        name="demonstration",
        command=(
            sys.executable,
            "-m",
            "server.demo",
            str(started),
            *([] if ends_node else ["stay"]),
        ),
        stop_seconds=SLACK_SECONDS,
        runs_once=True,
        ends_node=ends_node,
    )


def child_environment(settings: Settings) -> dict[str, str]:
    """Returns what the processes of the node read their settings from.

    It is this process's own environment with what was chosen at start: the ports where 0 stood, and
    the embedded servers where there are no URLs.
    """
    chosen = {
        "HOWDAH_DATA_DIR": str(settings.data_dir.resolve()),
        "HOWDAH_GRPC_ADDRESS": settings.grpc_address,
        "HOWDAH_ADMIN_ADDRESS": settings.admin_address,
        DIRECTORY_VARIABLE: str(metrics_directory(settings).resolve()),
    }
    for name in SECRETS:
        value = getattr(settings, name)
        if value is not None:
            chosen[f"HOWDAH_{name.upper()}"] = value.get_secret_value()
    return {**os.environ, **chosen}
