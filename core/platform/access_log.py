"""Writes the one line that every call leaves, without the machinery that other lines need."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from core.platform.log_lines import LineWriter

OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


class AccessLog:
    """Renders a line in a quarter of the time that structlog's processors take.

    Its names are ours and its values have been checked or made by the node, so there is nothing to
    redact. Without a writer, such as on a terminal, lines go through structlog like all others.
    """

    def __init__(self, writer: LineWriter | None = None, process: str = "") -> None:
        self._writer = writer
        self._process = process

    def write(self, fields: dict[str, Any], *, alarming: bool) -> None:
        """Writes the line of one call; an alarming one reaches the reader at once."""
        if self._writer is None:
            log = structlog.get_logger()
            (log.warning if alarming else log.info)("rpc", **fields)
            return
        fields["event"] = "rpc"
        fields["level"] = "warning" if alarming else "info"
        fields["process"] = self._process
        fields["timestamp"] = datetime.now(UTC)
        self._writer.append(orjson.dumps(fields, option=OPTIONS))
        if alarming:
            self._writer.flush()
