"""Runs workers on servers that settings name."""

from __future__ import annotations

from contextlib import ExitStack

import typer

from core.platform.logging import configure_logging
from server.commands.output import ExitCode, faults_in_words, settings_with_servers
from server.ports import listen
from server.programs import worker_programs
from server.running import run_node

app = typer.Typer(add_completion=False)


@app.command()
def work(
    admin: bool = typer.Option(
        False, "--admin", help="Serve the admin pages, on a machine where no server does."
    ),
) -> None:
    """Run HOWDAH_WORKER_PROCESSES workers."""
    with faults_in_words(), ExitStack() as stack:
        settings = settings_with_servers()
        configure_logging(settings, "supervisor")
        listening = None
        if admin:
            listening, address = listen(settings.admin_address)
            stack.enter_context(listening)
            settings = settings.model_copy(update={"admin_address": address})
        code = run_node(settings, worker_programs(settings), admin=listening)
    raise typer.Exit(ExitCode.DONE if code == 0 else ExitCode.REFUSED)
