"""Defines how cells of a workbook look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from xlsxwriter import Workbook

from core.money import minor_digits

Kind = Literal["text", "integer", "money", "share", "change", "day", "moment", "month"]

TEXTUAL = frozenset({"text", "day", "moment", "month"})

INK = "#1F2A37"
ACCENT = "#1F5A8A"
SECOND = "#E08E2B"
THIRD = "#5B9A8B"
MUTED = "#6B7280"
BAND = "#E8EFF5"
LINE = "#C9D3DC"


def number_formats(currency: str) -> Mapping[Kind, str]:
    """Returns Excel's number format of each kind of cell."""
    decimals = minor_digits(currency)
    return {
        "text": "General",
        "integer": "#,##0",
        "money": "#,##0" + ("." + "0" * decimals if decimals else ""),
        "share": "0.0%",
        "change": "+0.0%;-0.0%;0.0%",
        "day": "yyyy-mm-dd",
        "moment": "yyyy-mm-dd hh:mm",
        "month": "mmm yyyy",
    }


@dataclass(frozen=True, slots=True)
class Formats:
    """Holds the formats of one workbook; `cell` and `total` are by kind of column."""

    title: Any
    subtitle: Any
    header: Any
    header_right: Any
    note: Any
    link: Any
    label: Any
    quoted: Any
    cell: Mapping[Kind, Any]
    total: Mapping[Kind, Any]


def formats_of(book: Workbook, currency: str) -> Formats:
    """Adds the formats to a workbook."""
    header = {"bold": True, "font_color": "white", "bg_color": ACCENT, "valign": "vcenter"}
    total = {"bold": True, "bg_color": BAND, "bottom": 1, "bottom_color": LINE}
    numbers = number_formats(currency)
    # Texts and days keep away from the numbers on their left.
    left: dict[str, Any] = {"align": "left", "indent": 1}
    return Formats(
        title=book.add_format({"bold": True, "font_size": 16, "font_color": INK, **left}),
        subtitle=book.add_format({"font_color": MUTED, **left}),
        header=book.add_format({**header, **left}),
        header_right=book.add_format({**header, "align": "right"}),
        note=book.add_format({"italic": True, "font_color": MUTED, **left}),
        link=book.add_format({"font_color": ACCENT, "underline": 1, **left}),
        label=book.add_format({"font_color": INK, **left}),
        # Excel keeps such a cell a text when somebody edits it.
        quoted=book.add_format({"quote_prefix": True, **left}),
        cell={
            kind: book.add_format({"num_format": number} | (left if kind in TEXTUAL else {}))
            for kind, number in numbers.items()
        },
        total={
            kind: book.add_format(
                {"num_format": number, **total} | (left if kind in TEXTUAL else {})
            )
            for kind, number in numbers.items()
        },
    )
