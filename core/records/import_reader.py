"""Reads the rows of an import file one by one, whatever its form, encoding and compression."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple, TextIO

from core.platform.storage import storage_faults
from core.records.import_mapping import ImportFormat, ImportMapping

GZIP = b"\x1f\x8b"
BUFFER_BYTES = 128 * 1024
# A longer line is cut and its row rejected, so that memory stays flat whatever the file holds.
LONGEST_LINE = 1024 * 1024
DELIMITERS = {ImportFormat.CSV: ",", ImportFormat.SEMICOLON: ";", ImportFormat.TAB: "\t"}
# What bytes become that are not of the encoding, and the one character Postgres cannot keep.
UNREADABLE = re.compile("[\x00\ud800-\udfff]")
REPLACED = "\ufffd"


class UnreadableError(Exception):
    """Says why the file as a whole cannot be read."""


class Record(NamedTuple):
    """Is one row: its number from 1, its values by column, its text, and what is wrong with it."""

    row_number: int
    values: Sequence[str]
    text: str
    fault: str


class RecordReader:
    """Yields the rows of a file, blank lines left out; `columns` names their values.

    Raises UnreadableError where the file is damaged or has no header row. A row that cannot be read
    comes with its fault, and reading goes on behind it.
    """

    def __init__(self, stream: BinaryIO, mapping: ImportMapping) -> None:
        with reading_faults():
            text = open_text(stream, mapping.encoding)
        self._encoding = text.encoding
        self._lines = Lines(text)
        self._form = mapping.format
        self._rows = 0
        if mapping.format is ImportFormat.NDJSON:
            self.columns: Sequence[str] = sorted(set(mapping.fields.values()))
        else:
            self.columns = mapping.columns or self._header()

    def __iter__(self) -> Iterator[Record]:
        with reading_faults():
            while (record := self._next()) is not None:
                self._rows = record.row_number
                yield record

    def _header(self) -> Sequence[str]:
        self.columns = ()
        with reading_faults():
            record = self._next()
        if record is None:
            raise UnreadableError("The file is empty.")
        if record.fault:
            raise UnreadableError(f"The header row {record.fault}.")
        return [name.strip() for name in record.values]

    def _next(self) -> Record | None:
        lines = self._lines
        while True:
            lines.taken.clear()
            lines.cut = False
            values, fault = self._parse()
            if not lines.taken:
                return None
            if len(lines.taken) > 1 and fault:
                # A stray quote swallows the rows behind it: only its own line is wrong.
                lines.give_back()
            text = "".join(lines.taken).rstrip("\r\n")
            if not text.strip():
                continue
            if lines.cut:
                fault = f"has a line of more than {LONGEST_LINE} characters"
            elif not text.isascii() or "\x00" in text:
                fault = self._unreadable(text) or fault
            return Record(self._rows + 1, values, text, fault)

    def _parse(self) -> tuple[Sequence[str], str]:
        """Reads one row off the lines; its values, and what is wrong with it."""
        form = self._form
        if form is ImportFormat.NDJSON:
            return _json_values(next(self._lines, ""), self.columns)
        if form is ImportFormat.BLANK_SEPARATED:
            values = next(self._lines, "").split()
        else:
            try:
                values = next(csv.reader(self._lines, delimiter=DELIMITERS[form], strict=True), [])
            except csv.Error as fault:
                return (), f"is not quoted as it should be: {fault}"
        if self.columns and len(values) != len(self.columns):
            return values, f"has {len(values)} columns and not {len(self.columns)}"
        return values, ""

    def _unreadable(self, text: str) -> str:
        replaced = self._encoding.startswith("utf-16") and REPLACED in text
        if replaced or UNREADABLE.search(text):
            return f"has bytes that are not {self._encoding}"
        return ""


class Lines:
    """Yields lines with their ends, and remembers those taken for the row being read."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._ahead: deque[str] = deque()
        self.taken: list[str] = []
        self.cut = False

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        fresh = not self._ahead
        line = self._text.readline(LONGEST_LINE) if fresh else self._ahead.popleft()
        if not line:
            raise StopIteration
        if len(line) == LONGEST_LINE and line[-1] not in "\r\n":
            self.cut = True
            if fresh:
                self._drop_rest_of_line()
        self.taken.append(line)
        return line

    def give_back(self) -> None:
        """Has all lines of this row but the first be read again."""
        self._ahead.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]

    def _drop_rest_of_line(self) -> None:
        while rest := self._text.readline(LONGEST_LINE):
            if rest[-1] in "\r\n":
                return


def open_text(stream: BinaryIO, encoding: str) -> TextIO:
    """Returns the text of a file, unpacked where it is packed; a byte-order mark is obeyed."""
    start = stream.read(len(GZIP))
    stream.seek(0)
    unpacked: BinaryIO = gzip.GzipFile(fileobj=stream) if start == GZIP else stream  # type: ignore[assignment]
    buffered = io.BufferedReader(unpacked, BUFFER_BYTES)  # type: ignore[type-var]
    mark = buffered.peek(4)[:4]
    if mark.startswith(b"\xef\xbb\xbf"):
        encoding = "utf-8-sig"
    elif mark.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif encoding == "utf-16":
        encoding = "utf-16-le"  # as Windows writes it
    faults = "replace" if encoding.startswith("utf-16") else "surrogateescape"
    return io.TextIOWrapper(buffered, encoding=encoding, errors=faults, newline="")


@contextmanager
def reading_faults() -> Iterator[None]:
    """Tells a damaged file, which is the caller's, from a broken storage, which is the node's."""
    with storage_faults():
        try:
            yield
        except (gzip.BadGzipFile, EOFError, zlib.error) as fault:
            raise UnreadableError(f"The file is damaged: {fault}") from fault


def _json_values(line: str, columns: Sequence[str]) -> tuple[Sequence[str], str]:
    if not line.strip():
        return (), ""
    try:
        # Numbers stay text, so that no digit of an amount is lost.
        item = json.loads(line, parse_float=str, parse_int=str, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return (), "is not JSON"
    if not isinstance(item, dict):
        return (), "is not a JSON object"
    values = []
    for column in columns:
        value = item.get(column)
        if value is None:
            value = ""
        elif not isinstance(value, str):
            return (), f"has a {column} that is neither text nor number"
        elif UNREADABLE.search(value):
            return (), f"has a {column} with a character that is none"
        values.append(value)
    return values, ""


def _no_constant(name: str) -> str:
    raise ValueError(name)
