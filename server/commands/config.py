"""Shows the effective settings, or all that is wrong with them."""

from __future__ import annotations

from typing import Any

import typer

from core.config import SECRETS, Settings, load_settings
from server.commands.output import faults_in_words, print_json, print_table

app = typer.Typer(add_completion=False)


@app.command()
def config(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Show each setting with its value, and where the value is from. Exits with 2 on any fault."""
    with faults_in_words():
        settings = load_settings()
    values = {name: shown(settings, name) for name in type(settings).model_fields}
    if as_json:
        print_json(values)
        return
    print_table(
        ("VARIABLE", "VALUE", "FROM"),
        [
            (
                f"HOWDAH_{name.upper()}",
                "" if value is None else value,
                "environment" if name in settings.model_fields_set else "default",
            )
            for name, value in values.items()
        ],
        "",
    )


def shown(settings: Settings, name: str) -> Any:
    """Returns the value in a form to print; of a secret only whether there is one."""
    value = getattr(settings, name)
    if value is None or isinstance(value, bool | int | float):
        return value
    if name in SECRETS:
        return "********"
    return list(value) if isinstance(value, tuple) else str(value)
