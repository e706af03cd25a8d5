"""Runs the gRPC server on servers that settings name."""

from __future__ import annotations

from contextlib import closing

import typer

from core.platform.logging import configure_logging
from server.commands.output import ExitCode, faults_in_words, settings_with_servers
from server.ports import listen, reserve
from server.programs import server_programs
from server.running import run_node

app = typer.Typer(add_completion=False)


@app.command()
def serve() -> None:
    """Run the gRPC server: HOWDAH_SERVER_PROCESSES processes on one port, and the admin pages."""
    with faults_in_words():
        settings = settings_with_servers()
        configure_logging(settings, "supervisor")
        held, grpc_address = reserve(settings.grpc_address)
        admin, admin_address = listen(settings.admin_address)
        with closing(held), closing(admin):
            settings = settings.model_copy(
                update={"grpc_address": grpc_address, "admin_address": admin_address}
            )
            code = run_node(
                settings,
                server_programs(settings),
                admin=admin,
                when_ready=lambda: typer.echo(
                    f"Serving gRPC on {grpc_address}, admin on http://{admin_address}."
                ),
            )
    raise typer.Exit(ExitCode.DONE if code == 0 else ExitCode.REFUSED)
