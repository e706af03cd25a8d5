"""Writes a table: totals as formulas, a header, then rows one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from xlsxwriter.utility import quote_sheetname, xl_col_to_name, xl_rowcol_to_cell

from core.documents.workbook.book import FIRST_TRUE_DAY, FORMULA_SIGNS, Book, excel_day, safe_text
from core.documents.workbook.formats import TEXTUAL, Kind

MOST_CHARTED = 4_000
ROWS_BETWEEN_LOOKS = 2_000


@dataclass(frozen=True, slots=True)
class Column:
    """Is one column. Its total is a sum of what the filter shows, or a formula, or a value.

    `formula` holds for each row and, with `total`, for the totals too: `{row}` stands for the row.
    A formula's value is written with it, for readers that do not compute.
    """

    title: str
    kind: Kind
    width: float
    total: float | None = None
    formula: str = ""
    distinct: bool = False  # the total is no sum
    charted: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """Names cells, of one column unless `width` says more, with their values.

    The values are for readers of a chart that do not compute.
    """

    sheet: str
    first_row: int
    last_row: int
    column: int
    values: Sequence[Any]
    width: int = 1

    @property
    def reference(self) -> list[Any]:
        """Returns what xlsxwriter's charts take."""
        last_column = self.column + self.width - 1
        return [self.sheet, self.first_row, self.column, self.last_row, last_column]

    def part(self, first: int, count: int) -> Range:
        """Returns some of the cells."""
        return Range(
            self.sheet,
            self.first_row + first,
            self.first_row + first + count - 1,
            self.column,
            self.values[first : first + count],
        )


@dataclass(slots=True)
class Table:
    """Is a table that is being written; `count` rows are announced when it begins."""

    book: Book
    sheet: Any
    columns: Sequence[Column]
    top: int  # the row of the totals; the header follows
    count: int
    written: int = 0
    _cells: list[Callable[[int, Any], Any]] = field(default_factory=list)
    _values: list[list[Any]] = field(default_factory=list)

    @property
    def first_row(self) -> int:
        """Returns the row of the first item."""
        return self.top + 2

    @property
    def last_row(self) -> int:
        """Returns the row of the last item, or of the sentence that there is none."""
        return self.first_row + max(self.count, 1) - 1

    def begin(self, nothing: str, *, main: bool = True) -> None:
        """Writes totals and header; `main` freezes and filters them and sets the widths."""
        formats = self.book.formats
        for place, column in enumerate(self.columns):
            self._total(place, column)
            if main:
                options = {"hidden": True} if column.hidden else {}
                self.sheet.set_column(place, place, column.width, None, options)
        for place, column in enumerate(self.columns):
            style = formats.header if column.kind in TEXTUAL else formats.header_right
            self.sheet.write_string(self.top + 1, place, column.title, style)
            self._cells.append(self._writer(place, column))
            self._values.append([])
        if main:
            self.sheet.freeze_panes(self.first_row, 1)
            self.sheet.repeat_rows(self.top + 1)
            self.sheet.autofilter(self.top + 1, 0, self.last_row, len(self.columns) - 1)
        if self.count == 0:
            self.sheet.write_string(self.first_row, 0, nothing, formats.note)

    def write(self, *values: Any) -> None:
        """Writes the next row; None leaves a cell empty."""
        row = self.first_row + self.written
        for place, value in enumerate(values):
            if value is not None:
                self._cells[place](row, value)
            if self.columns[place].charted and self.written < MOST_CHARTED:
                self._values[place].append(value)
        self.written += 1
        if self.written % ROWS_BETWEEN_LOOKS == 0:
            self.book.proceed()

    def range(self, title: str) -> Range:
        """Returns the cells of a column, for a chart."""
        place = self._place(title)
        kind = self.columns[place].kind
        values = self._values[place]
        if kind in {"day", "month"}:
            values = [excel_day(value) for value in values]
        elif kind == "money":
            values = [None if value is None else self.book.money(value) for value in values]
        return Range(self.sheet.name, self.first_row, self.last_row, place, values)

    def total_cell(self, title: str) -> str:
        """Returns the total of a column, for a formula on another tab."""
        cell = xl_rowcol_to_cell(self.top, self._place(title), row_abs=True, col_abs=True)
        return f"{quote_sheetname(self.sheet.name)}!{cell}"

    def _place(self, title: str) -> int:
        return [column.title for column in self.columns].index(title)

    def _total(self, place: int, column: Column) -> None:
        style = self.book.formats.total[column.kind]
        if place == 0:
            self.sheet.write_string(self.top, 0, "Total", self.book.formats.total["text"])
        elif column.total is None:
            self.sheet.write_blank(self.top, place, None, style)
        else:
            value = column.total / self.book.scale if column.kind == "money" else column.total
            letter = xl_col_to_name(place)
            rows = f"{letter}{self.first_row + 1}:{letter}{self.last_row + 1}"
            if column.distinct:
                self.sheet.write_number(self.top, place, value, style)
            elif column.formula:
                formula = column.formula.format(row=self.top + 1)
                self.sheet.write_formula(self.top, place, formula, style, value)
            else:
                # 109 sums what the filter leaves to be seen.
                formula = f"=SUBTOTAL(109,{rows})"
                self.sheet.write_formula(self.top, place, formula, style, value)

    def _writer(self, place: int, column: Column) -> Callable[[int, Any], Any]:
        """Returns what writes a cell of the column; decided once, not for each row."""
        sheet, style, scale = self.sheet, self.book.formats.cell[column.kind], self.book.scale
        if column.formula:
            divisor = scale if column.kind == "money" else 1
            return lambda row, value: sheet.write_formula(
                row, place, column.formula.format(row=row + 1), style, value / divisor
            )
        match column.kind:
            case "text":
                return lambda row, value: self._text(row, place, value, style)
            case "money":
                return lambda row, value: sheet.write_number(row, place, value / scale, style)
            case "day" | "month":
                return lambda row, value: self._day(row, place, value, style)
            case "moment":
                return lambda row, value: self._moment(row, place, value, style)
            case _:
                return lambda row, value: sheet.write_number(row, place, value, style)

    def _text(self, row: int, place: int, value: str, style: Any) -> None:
        if value:
            if value.startswith(FORMULA_SIGNS):
                style = self.book.formats.quoted
            self.sheet.write_string(row, place, safe_text(value), style)

    def _day(self, row: int, place: int, value: date, style: Any) -> None:
        number = excel_day(value)
        if number < FIRST_TRUE_DAY:
            self.sheet.write_string(row, place, value.isoformat(), style)
        else:
            self.sheet.write_number(row, place, number, style)

    def _moment(self, row: int, place: int, value: float, style: Any) -> None:
        if value < FIRST_TRUE_DAY:
            moment = datetime(1899, 12, 30) + timedelta(days=value)  # noqa: DTZ001 - local time
            self.sheet.write_string(row, place, moment.isoformat(" ", "minutes"), style)
        else:
            self.sheet.write_number(row, place, value, style)
