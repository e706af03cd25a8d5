"""Says which processes a node is made of, how each is started, and how long it may take to stop."""

from __future__ import annotations

import os
import sys

from core.config import PROCESS_INDEX, SECRETS, Settings
from core.platform.telemetry import DIRECTORY_VARIABLE, metrics_directory
from server.supervisor import Program

# For what comes before and after the drain itself.
SLACK_SECONDS = 3.0
DISPATCHER_STOP_SECONDS = 10.0
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
    """Returns the workers: Dramatiq's own command, one process each, so that each is watched."""
    return [
        Program(
            name=f"worker-{index}",
            command=(
                *(sys.executable, "-m", "dramatiq", "workers.main:boot", "--skip-logging"),
                *("--processes", "1", "--threads", str(settings.worker_threads)),
                *("--worker-shutdown-timeout", str(int(settings.worker_drain_seconds * 1000))),
                *("--queues", *settings.worker_queues),
            ),
            stop_seconds=settings.worker_drain_seconds + SLACK_SECONDS,
            stage=JOBS,
            environment={PROCESS_INDEX: str(index)},
        )
        for index in range(settings.worker_processes)
    ]


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
