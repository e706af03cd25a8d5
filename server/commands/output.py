"""Prints what commands find, for people and for programs, and ends them with the right code."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.config import ConfigError, Settings, load_settings
from core.failures import Failure, RefusedError
from server.node_file import NodeFileError, NodeRunsError
from server.ports import PortTakenError

PIPE_COLUMNS = 250
LARGEST_WHOLE = 2**53  # beyond it a float no longer tells neighbours apart


class ExitCode(IntEnum):
    """Says how a command ended; documented in docs/operations.md."""

    DONE = 0
    REFUSED = 1
    MISUSED = 2  # wrong arguments or settings, as for every Unix command
    UNREACHABLE = 3


def fail(code: ExitCode, message: str) -> typer.Exit:
    """Prints the message and returns what to raise."""
    typer.secho(message, err=True, fg=typer.colors.RED)
    return typer.Exit(code)


def print_json(value: Message | dict[str, Any]) -> None:
    """Prints one JSON document on one line; a message in the contract's own field names."""
    text = json.dumps(value if isinstance(value, dict) else as_dict(value), ensure_ascii=False)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def as_dict(message: Message) -> dict[str, Any]:
    """Returns protobuf's JSON form with every field, so that programs need no defaults."""
    found: dict[str, Any] = _whole(
        MessageToDict(
            message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
    )
    return found


def _whole(value: Any) -> Any:
    """Returns it with whole numbers as such: in a Struct every number is a float."""
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_WHOLE:
        return int(value)
    return value


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], nothing: str, next_page: str = ""
) -> None:
    """Prints a table, or the sentence where there is nothing to show, and where to go on."""
    if not rows:
        typer.secho(nothing, dim=True)
        return
    new_console().print(as_table(columns, rows))
    if next_page:
        typer.secho(f"There are more: --page-token {next_page}", err=True, dim=True)


def new_console() -> Console:
    """Returns the console; a pipe has no width of its own, so that no cell is folded there."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPE_COLUMNS)


def as_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """Returns a table as all commands print it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # As text: square brackets in it are not styles.
        table.add_row(*(Text(str(cell)) for cell in row))
    return table


def moment(time: Timestamp) -> str:
    """Returns a time in UTC to the second, or nothing where it is not set."""
    return f"{time.ToDatetime():%F %T}" if time.seconds else ""


def named(enum: Any, name: str, option: str) -> Any:
    """Returns the value that a name in small letters stands for; none stands for unspecified."""
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    if not name:
        return 0
    names = [value.removeprefix(prefix).lower() for value in enum.keys()[1:]]
    if (wanted := name.lower().replace("-", "_")) not in names:
        choices = ", ".join(names).replace("_", "-")
        raise typer.BadParameter(f"must be one of {choices}", param_hint=option)
    return enum.Value(prefix + wanted.upper())


@contextmanager
def faults_in_words() -> Iterator[None]:
    """Ends the command in words where settings, servers or the node are not as they must be."""
    try:
        yield
    except ConfigError as fault:
        raise fail(ExitCode.MISUSED, str(fault)) from None
    except (PortTakenError, NodeRunsError) as fault:
        raise fail(ExitCode.REFUSED, str(fault)) from None
    except NodeFileError as fault:
        raise fail(ExitCode.UNREACHABLE, str(fault)) from None
    except RefusedError as refusal:
        raise refused(refusal.failure) from None


def settings_with_servers() -> Settings:
    """Returns the settings; they must name the servers, which only `howdah up` brings itself."""
    settings = load_settings()
    if settings.embedded:
        raise ConfigError(
            "HOWDAH_DATABASE_URL, HOWDAH_SYSTEM_DATABASE_URL and HOWDAH_REDIS_URL are not set;"
            " `howdah up` brings servers of its own"
        )
    return settings


def refused(failure: Failure) -> typer.Exit:
    """Prints the refusal with its fields, and returns what to raise."""
    lines = [f"{failure.reason.code} / {failure.reason.name}: {failure.message}"]
    if failure.fields:
        lines = [f"{failure.reason.code} / {failure.reason.name}"]
    lines += [f"  {violation.field}: {violation.description}" for violation in failure.fields]
    away = failure.reason.code == "UNAVAILABLE"
    return fail(ExitCode.UNREACHABLE if away else ExitCode.REFUSED, "\n".join(lines))
