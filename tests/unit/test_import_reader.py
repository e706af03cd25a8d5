from __future__ import annotations

import dataclasses
import gzip
import io

import pytest

from core.records import import_reader
from core.records.import_mapping import ImportFormat, ImportGrouping, ImportMapping
from core.records.import_reader import Record, RecordReader, UnreadableError

CSV = ImportMapping(
    format=ImportFormat.CSV,
    grouping=ImportGrouping.ROWS_SHARE_NUMBER,
    fields={"number": "a", "sku": "b"},
)


def read(content: str | bytes, mapping: ImportMapping = CSV) -> list[Record]:
    raw = content.encode("utf-8") if isinstance(content, str) else content
    return list(RecordReader(io.BytesIO(raw), mapping))


def values(content: str | bytes, mapping: ImportMapping = CSV) -> list[list[str]]:
    return [list(record.values) for record in read(content, mapping)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_they_like(end: str) -> None:
    assert values(f"a,b{end}1,2{end}{end}3,4{end}") == [["1", "2"], ["3", "4"]]


def test_the_last_line_needs_no_end() -> None:
    assert values("a,b\n1,2") == [["1", "2"]]


def test_a_packed_file_is_unpacked() -> None:
    assert values(gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n")) == [
        ["1", "2"],
        ["3", "4"],
    ]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16", b""),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("latin-1", b""),
        ("windows-1252", b""),
    ],
)
def test_encodings_and_byte_order_marks_are_understood(encoding: str, mark: bytes) -> None:
    named = "utf-16" if encoding.startswith("utf-16") else encoding
    content = mark + "a,b\nMüller,Ø\n".encode(encoding)
    assert values(content, dataclasses.replace(CSV, encoding=named)) == [["Müller", "Ø"]]


def test_quotes_hold_separators_quotes_and_line_ends() -> None:
    assert values('a,b\n"1,5","say ""hi""\nthere"\n2,3\n') == [
        ["1,5", 'say "hi"\nthere'],
        ["2", "3"],
    ]


def test_semicolons_and_tabs_separate() -> None:
    semicolon = dataclasses.replace(CSV, format=ImportFormat.SEMICOLON)
    tab = dataclasses.replace(CSV, format=ImportFormat.TAB)
    assert values("a;b\n1,5;2\n", semicolon) == [["1,5", "2"]]
    assert values("a\tb\n1 2\t3\n", tab) == [["1 2", "3"]]


def test_blanks_separate_however_many() -> None:
    mapping = dataclasses.replace(CSV, format=ImportFormat.BLANK_SEPARATED, columns=("a", "b"))
    assert values(" 00001   2 \r\n\r\n3 4\r\n", mapping) == [["00001", "2"], ["3", "4"]]


def test_json_lines_give_their_mapped_values_as_text() -> None:
    mapping = dataclasses.replace(CSV, format=ImportFormat.NDJSON)
    text = '{"b": 0.10000000000000000001, "a": "x", "c": [1]}\n\n{"a": 12}\n'
    assert values(text, mapping) == [["x", "0.10000000000000000001"], ["12", ""]]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("nonsense", "is not JSON"),
        ("[1]", "is not a JSON object"),
        ('{"a": NaN}', "is not JSON"),
        ('{"a": {}}', "has a a that is neither text nor number"),
        ('{"a": true}', "has a a that is neither text nor number"),
        ('{"a": "\\u0000"}', "has a a with a character that is none"),
        ('{"a": "\\ud800"}', "has a a with a character that is none"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_json_line_that_is_none_is_named(line: str, fault: str) -> None:
    mapping = dataclasses.replace(CSV, format=ImportFormat.NDJSON)
    first, second = read(f'{line}\n{{"a": "1", "b": "2"}}\n', mapping)
    assert first.fault == fault
    assert list(second.values) == ["1", "2"]


def test_a_row_with_another_number_of_columns_is_named() -> None:
    rows = read("a,b\n1,2,3\n1\n1,2\n")
    assert [row.fault for row in rows] == ["has 3 columns and not 2", "has 1 columns and not 2", ""]


def test_a_stray_quote_costs_its_own_row_only() -> None:
    rows = read('a,b\n1,"oops\n2,3\n4,"five"\n')
    assert [bool(row.fault) for row in rows] == [True, False, False]
    assert rows[0].text == '1,"oops'
    assert list(rows[2].values) == ["4", "five"]


def test_a_stray_quote_costs_its_own_row_only_also_in_a_long_file() -> None:
    rows = read('a,b\n1,"oops\n' + "2,3\n" * 50_000)
    assert len(rows) == 50_001
    assert [row.row_number for row in rows if row.fault] == [1]


def test_bytes_of_another_encoding_cost_their_own_row_only() -> None:
    rows = read(b"a,b\n1,M\xfcller\n2,3\n4,\x00\n")
    assert [row.fault for row in rows] == [
        "has bytes that are not utf-8",
        "",
        "has bytes that are not utf-8",
    ]


def test_a_line_without_end_is_cut_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_reader, "LONGEST_LINE", 20)
    rows = read("a,b\n" + "x" * 100 + ",1\n2,3\n")
    assert [row.fault for row in rows] == ["has a line of more than 20 characters", ""]
    assert rows[0].text == "x" * 20
    assert list(rows[1].values) == ["2", "3"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b'"a\n',
        gzip.compress(b"a,b\n1,2\n")[:-9],
        gzip.compress(b"a,b\n1,2\n")[:-4] + b"1234",
        b"\x1f\x8bnonsense",
    ],
)
def test_a_file_that_is_damaged_or_empty_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableError):
        read(content)


def test_rows_are_numbered_from_one_without_the_header() -> None:
    assert [row.row_number for row in read("a,b\n1,2\n3,4\n")] == [1, 2]
