"""Opens a workbook whose tabs are written row by row, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from xlsxwriter import Workbook

from core.documents.sales import SalesPeriod
from core.documents.workbook.formats import Formats, formats_of
from core.money import minor_digits

EXCEL_ROWS = 1_048_576
# Excel has a 29 February 1900, so days count right from the day after it on.
FIRST_TRUE_DAY = 61
FORMULA_SIGNS = ("=", "+", "-", "@")


class Book:
    """Is one workbook; used with `with`, which writes the file at the end."""

    def __init__(
        self, path: Path, directory: Path, period: SalesPeriod, proceed: Callable[[], None]
    ) -> None:
        self._book: Any = Workbook(
            str(path),
            {
                "constant_memory": True,
                "tmpdir": str(directory),
                # A name that begins with `=` or looks like an address is a name.
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "use_zip64": True,
            },
        )
        self.period = period
        self.scale: int = 10 ** minor_digits(period.currency)
        self.formats: Formats = formats_of(self._book, period.currency)
        self.proceed = proceed
        # The same sales make the same file, so it does not say when it was written.
        self._book.set_properties(
            {"title": "Sales", "created": datetime.combine(period.end, time.min)}
        )
        self._book.set_size(1600, 1000)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._book.close()
        finally:
            # xlsxwriter closes its files of rows only where it got to write the workbook.
            for sheet in self._book.worksheets():
                sheet.row_data_fh.close()

    def add_sheet(self, name: str, color: str) -> Any:
        """Adds a tab with the look they all share and returns xlsxwriter's worksheet."""
        sheet = self._book.add_worksheet(name)
        sheet.set_tab_color(color)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.set_footer("&L&8&A&R&8&P / &N")
        return sheet

    def head(self, sheet: Any, title: str, subtitle: str) -> None:
        """Writes the two lines that every tab begins with."""
        sheet.set_row(0, 30)
        sheet.write_string(0, 0, safe_text(title), self.formats.title)
        sheet.write_string(1, 0, safe_text(subtitle), self.formats.subtitle)

    def add_chart(self, kind: str, subtype: str = "") -> Any:
        """Adds a chart and returns xlsxwriter's."""
        return self._book.add_chart({"type": kind} | ({"subtype": subtype} if subtype else {}))

    def money(self, minor: int) -> float:
        """Returns an amount as people write it."""
        return minor / self.scale


def safe_text(value: str) -> str:
    """Returns a text that xlsxwriter writes as it is.

    It takes `<r>…</r>` for markup of its own and does not escape it; a blank behind it helps.
    """
    return f"{value} " if value.startswith("<r>") and value.endswith("</r>") else value


def excel_day(day: date) -> int:
    """Returns Excel's number of a day; below `FIRST_TRUE_DAY` it is wrong."""
    return day.toordinal() - date(1899, 12, 30).toordinal()
