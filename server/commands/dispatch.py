"""Runs a dispatcher on servers that settings name."""

from __future__ import annotations

import typer

from core.platform.logging import configure_logging
from server.commands.output import ExitCode, faults_in_words, settings_with_servers
from server.programs import dispatcher_program
from server.running import run_node

app = typer.Typer(add_completion=False)


@app.command()
def dispatch() -> None:
    """Run a dispatcher: it hands out jobs, rescues those of dead workers, and sweeps."""
    with faults_in_words():
        settings = settings_with_servers()
        configure_logging(settings, "supervisor")
        code = run_node(settings, [dispatcher_program()], admin=None)
    raise typer.Exit(ExitCode.DONE if code == 0 else ExitCode.REFUSED)
