"""Is the `howdah` command: it knows its commands by name, and loads the one that is asked for."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from typing import Any

import structlog
import typer
from typer.core import TyperCommand, TyperGroup

# Each is a file of server/commands with a Typer application.
COMMANDS = {
    "up": "Run a whole node: servers of its own unless URLs are set, migrations, server, workers.",
    "serve": "Run the gRPC server.",
    "work": "Run workers.",
    "dispatch": "Run a dispatcher.",
    "migrate": "Bring the database's schema to this release.",
    "tenants": "Create and list tenants.",
    "keys": "Create, list, rotate and revoke credentials.",
    "jobs": "Show and steer jobs, queues and workers.",
    "schedules": "Manage schedules, which start jobs by cron.",
    "webhooks": "Manage webhook endpoints; show and repeat deliveries.",
    "config": "Show the effective settings, secrets masked, or all their faults at once.",
    "call": "Call a method of the running node: signed, JSON in, JSON out.",
    "sign": "Print the headers that sign a request message.",
    "token": "Print a short-lived bearer token, for grpcurl and people.",
    "signing": "Check a signing implementation's vectors.",
}


class LazyCommand(TyperCommand):
    """Is a name and a sentence until it runs: `howdah --help` imports nothing of the node."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> Any:
        """Loads the command and lets it take over."""
        # Standard output is for what was asked for. Commands that serve set up the log themselves.
        structlog.configure(
            wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        )
        module = import_module(f"server.commands.{self.name}")
        return typer.main.get_command(module.app).make_context(info_name, args, *more, **extra)


def main() -> None:
    """Runs the command line."""
    commands = {name: LazyCommand(name, help=sentence) for name, sentence in COMMANDS.items()}
    group = TyperGroup(
        name="howdah",
        commands=dict(commands),
        help="A gRPC node that carries the heavy work beside a PHP application.",
        no_args_is_help=True,
    )
    group(prog_name="howdah")


if __name__ == "__main__":
    main()
