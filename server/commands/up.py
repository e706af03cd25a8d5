"""Runs a whole node in one command."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import typer

from core.config import Settings, load_settings
from core.platform.embedded import embedded_servers
from core.platform.logging import configure_logging
from core.platform.migrate import migrate
from server.commands.output import ExitCode, faults_in_words
from server.node_file import RunningNode, embedded_overrides, only_node, write_node_file
from server.ports import listen, reserve
from server.programs import (
    demonstration_program,
    dispatcher_program,
    server_programs,
    worker_programs,
)
from server.running import Stopwatch, run_node
from server.supervisor import Program

app = typer.Typer(add_completion=False)

LOG_FILE = "node.log"
STANDARD_ERROR = 2
# Loading a process takes a second of a core. On a small machine the first call would wait for all.
WORKERS_LATER_SECONDS = 1.0


@app.command()
def up(
    demo: bool = typer.Option(False, "--demo", help="Show on real data what the node does."),
    once: bool = typer.Option(False, "--once", help="With --demo: stop when it has been shown."),
) -> None:
    """Run a whole node: servers of its own unless URLs are set, migrations, server, workers."""
    if once and not demo:
        raise typer.BadParameter("it is for --demo", param_hint="--once")
    watch = Stopwatch()
    # Until the supervisor takes over, a stop unwinds what was started so far.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ExitCode.REFUSED))
    with faults_in_words(), ExitStack() as stack:
        settings = load_settings()
        stack.enter_context(only_node(settings.data_dir))
        output = log_file(stack, settings.data_dir) if demo else None
        configure_logging(settings, "supervisor", descriptor=output or STANDARD_ERROR)
        held, grpc_address = reserve(settings.grpc_address)
        stack.enter_context(closing(held))
        admin, admin_address = listen(settings.admin_address)
        stack.enter_context(closing(admin))
        settings = with_servers(stack, settings, grpc_address, admin_address)
        if settings.migrator_database_url is None:
            typer.echo("HOWDAH_MIGRATOR_DATABASE_URL is not set: not migrating.", err=True)
        else:
            migrate(settings.migrator_database_url.get_secret_value())

        def ready() -> None:
            typer.echo(
                f"The node is up after {watch.seconds():.1f} s: gRPC on {grpc_address}, admin on"
                f" http://{admin_address}, data in {settings.data_dir.resolve()}."
            )

        stack.callback(typer.echo, "The node has stopped.")
        code = run_node(
            settings,
            programs(settings, watch.started, demo=demo, once=once),
            admin=admin,
            output=output,
            when_ready=ready,
        )
    raise typer.Exit(ExitCode.DONE if code == 0 else ExitCode.REFUSED)


def programs(settings: Settings, started: float, *, demo: bool, once: bool) -> list[Program]:
    """Returns everything a node is made of."""
    later = [
        replace(program, delay_seconds=WORKERS_LATER_SECONDS)
        for program in (*worker_programs(settings), dispatcher_program())
    ]
    return [
        *server_programs(settings),
        *later,
        *([demonstration_program(started=started, ends_node=once)] if demo else []),
    ]


def with_servers(
    stack: ExitStack, settings: Settings, grpc_address: str, admin_address: str
) -> Settings:
    """Returns the settings with the addresses, and with servers of its own where none are named."""
    addresses: dict[str, Any] = {"grpc_address": grpc_address, "admin_address": admin_address}
    if not settings.embedded:
        return settings.model_copy(update=addresses)
    servers = stack.enter_context(embedded_servers(settings.data_dir))
    settings = load_settings(**embedded_overrides(settings.data_dir, servers), **addresses)
    node = RunningNode(pid=os.getpid(), **addresses, **asdict(servers))
    write_node_file(settings.data_dir, node)
    return settings


def log_file(stack: ExitStack, data_dir: Path) -> int:
    """Returns a descriptor of the node's log, which would spoil what the demonstration shows."""
    file = stack.enter_context((data_dir / LOG_FILE).open("ab"))
    typer.echo(f"The node's log is {data_dir / LOG_FILE}.")
    return file.fileno()
