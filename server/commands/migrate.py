"""Brings the database's schema to this release."""

from __future__ import annotations

import typer

from core.platform.migrate import migrate as migrate_schema
from core.platform.migrate import newest_revision
from server.commands.output import ExitCode, fail, faults_in_words
from server.node_file import settings_of_node

app = typer.Typer(add_completion=False)


@app.command()
def migrate(
    to: str = typer.Option("head", help="Revision to stop at; an older one goes back to it."),
) -> None:
    """Migrate as HOWDAH_MIGRATOR_DATABASE_URL; safe to run from several machines at once."""
    with faults_in_words():
        settings = settings_of_node()
        if settings.migrator_database_url is None:
            raise fail(ExitCode.MISUSED, "HOWDAH_MIGRATOR_DATABASE_URL is not set.")
        migrate_schema(settings.migrator_database_url.get_secret_value(), to)
    typer.echo(f"The schema is at {newest_revision() if to == 'head' else to}.")
