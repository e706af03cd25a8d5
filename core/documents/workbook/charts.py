"""Makes the charts of a workbook, all in one look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.documents.workbook.book import Book
from core.documents.workbook.formats import ACCENT, INK, LINE, MUTED
from core.documents.workbook.table import Range

WIDTH, HEIGHT = 640, 320  # pixels
MOST_LABELS = 14  # on the axis of categories
SHORT_AMOUNTS = '[>=1000000]#,##0.0,,"M";[>=10000]#,##0,"K";#,##0'
SMALL: dict[str, Any] = {"size": 9, "color": MUTED}


@dataclass(frozen=True, slots=True)
class Series:
    """Is one row of values with its name and colour."""

    name: str
    values: Range
    color: str = ACCENT


@dataclass(frozen=True, slots=True)
class Axis:
    """Says what an axis shows and how its numbers look."""

    title: str
    number_format: str = SHORT_AMOUNTS


def column_chart(
    book: Book,
    title: str,
    categories: Range,
    series: Sequence[Series],
    axes: tuple[Axis, Axis],
    *,
    stacked: bool = False,
    line: Series | None = None,
    line_axis: Axis | None = None,
) -> Any:
    """Returns columns by category, with one line on an axis of its own where there is one."""
    chart = book.add_chart("column", "stacked" if stacked else "")
    _add(chart, categories, series, {"gap": 60})
    if line is not None and line_axis is not None:
        other = book.add_chart("line")
        values = {"color": line.color, "width": 2.25}
        other.add_series(
            {**_series(categories, line), "line": values, "fill": {"none": True}, "y2_axis": True}
        )
        other.set_y2_axis({**_value_axis(line_axis), "major_gridlines": {"visible": False}})
        chart.combine(other)
    _look(chart, title, legend=len(series) > 1 or line is not None)
    chart.set_x_axis(_category_axis(axes[0], len(categories.values)))
    chart.set_y_axis(_value_axis(axes[1]))
    return chart


def bar_chart(book: Book, title: str, categories: Range, series: Series, axis: Axis) -> Any:
    """Returns bars from the top down, for names that need room."""
    chart = book.add_chart("bar")
    _add(chart, categories, [series], {"gap": 40})
    _look(chart, title, legend=False)
    chart.set_y_axis({"reverse": True, "num_font": SMALL, "line": {"color": LINE}})
    # The categories are turned round, which would take the numbers to the top.
    chart.set_x_axis({**_value_axis(axis), "label_position": "high"})
    return chart


def line_chart(
    book: Book,
    title: str,
    categories: Range,
    series: Sequence[Series],
    axes: tuple[Axis, Axis],
) -> Any:
    """Returns lines over categories."""
    chart = book.add_chart("line")
    for one in series:
        line = {"color": one.color, "width": 2.25}
        chart.add_series({**_series(categories, one), "line": line, "fill": {"none": True}})
    _look(chart, title, legend=len(series) > 1)
    chart.set_x_axis(_category_axis(axes[0], len(categories.values)))
    chart.set_y_axis(_value_axis(axes[1]))
    return chart


def place(sheet: Any, chart: Any, row: int, column: int) -> None:
    """Puts a chart on a tab, where columns and filters do not stretch it."""
    sheet.insert_chart(row, column, chart, {"object_position": 3})


def _add(chart: Any, categories: Range, series: Sequence[Series], options: dict[str, Any]) -> None:
    for one in series:
        chart.add_series({**_series(categories, one), **options})


def _series(categories: Range, series: Series) -> dict[str, Any]:
    return {
        "name": series.name,
        "categories": categories.reference,
        "categories_data": list(categories.values),
        "values": series.values.reference,
        "values_data": list(series.values.values),
        "fill": {"color": series.color},
    }


def _look(chart: Any, title: str, *, legend: bool) -> None:
    font = {"size": 12, "bold": True, "color": INK}
    chart.set_title({"name": title, "name_font": font, "overlay": False})
    chart.set_legend({"position": "bottom", "font": SMALL} if legend else {"none": True})
    chart.set_chartarea({"border": {"color": LINE}})
    chart.set_size({"width": WIDTH, "height": HEIGHT})
    # A filter on the tab hides rows, and its chart is not to change with it.
    chart.show_hidden_data()
    chart.show_na_as_empty_cell()


def _category_axis(axis: Axis, count: int) -> dict[str, Any]:
    step = max(1, -(-count // MOST_LABELS))
    return {
        "name": axis.title,
        "name_font": {**SMALL, "bold": False},
        "num_font": SMALL,
        "num_format": axis.number_format,
        "text_axis": True,
        "interval_unit": step,
        "interval_tick": step,
        "line": {"color": LINE},
    }


def _value_axis(axis: Axis) -> dict[str, Any]:
    return {
        "name": axis.title,
        "name_font": {**SMALL, "bold": False},
        "num_font": SMALL,
        "num_format": axis.number_format,
        "min": 0,
        "line": {"none": True},
        "major_gridlines": {"visible": True, "line": {"color": LINE, "width": 0.5}},
    }
