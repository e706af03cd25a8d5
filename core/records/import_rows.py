"""Turns one row of an import file into one line of an invoice, or says why it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from core.money import CURRENCY, half_even, minor_digits, read_decimal
from core.records.import_mapping import ROW, ImportMapping
from core.records.import_reader import Record
from core.records.invoice import InvoiceKind, InvoiceLine
from core.records.limits import (
    COUNTRY_LENGTH,
    DESCRIPTION_LENGTH,
    FIRST_YEAR,
    ID_LENGTH,
    LAST_YEAR,
    MAX_AMOUNT_MINOR,
    MAX_QUANTITY,
    MAX_UNIT_PRICE_MINOR,
)

DATES_REMEMBERED = 10_000


class ImportRow(NamedTuple):
    """Is one row that can be stored: a line, and the invoice it says it belongs to."""

    record: Record
    number: str
    customer_external_id: str
    issued_at: datetime
    currency: str
    kind: InvoiceKind
    country: str
    line: InvoiceLine


class Rejection(NamedTuple):
    """Is one row that cannot be stored, with the column it is about, if it is about one."""

    row_number: int
    column: str
    reason: str
    text: str


class RowFaultError(Exception):
    """Says which field of a row is wrong, and how."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


class RowParser:
    """Reads rows of one file by its mapping, whose time zone and currency are given."""

    def __init__(self, mapping: ImportMapping, columns: Sequence[str]) -> None:
        self._mapping = mapping
        self._dates = DateReader(mapping.date_format, ZoneInfo(mapping.time_zone))
        places = {column: place for place, column in enumerate(columns)}
        self._getters: dict[str, Callable[[Record], str]] = {
            **{name: _constant(text) for name, text in mapping.constants.items()},
            **{name: _column(places[column]) for name, column in mapping.fields.items()},
        }

    def __call__(self, record: Record) -> ImportRow | Rejection:
        """Returns the row, or why it is rejected."""
        if record.fault:
            return Rejection(record.row_number, "", f"The row {record.fault}.", record.text)
        try:
            return self._row(record)
        except RowFaultError as fault:
            return self.reject(record, fault.field, fault.reason)

    def reject(self, record: Record, field: str, reason: str) -> Rejection:
        """Returns the rejection of a row for one of its fields, by the column's own name."""
        column = self._mapping.fields.get(field, field)
        return Rejection(record.row_number, column, f"{column} {reason}.", record.text)

    def _row(self, record: Record) -> ImportRow:
        number = self._text(record, "number", ID_LENGTH, required=True)
        prefix = self._mapping.credit_note_prefix
        refund = bool(prefix) and number.startswith(prefix)
        currency = self._value(record, "currency") or self._mapping.currency
        if not CURRENCY.fullmatch(currency):
            raise RowFaultError("currency", "is no ISO 4217 code such as EUR")
        return ImportRow(
            record=record,
            number=number,
            customer_external_id=self._text(record, "customer_external_id", ID_LENGTH),
            issued_at=self._dates(self._value(record, "issue_time")),
            currency=currency,
            kind=InvoiceKind.CREDIT_NOTE if refund else InvoiceKind.SALE,
            country=self._text(record, "country", COUNTRY_LENGTH),
            line=self._line(record, minor_digits(currency), refund=refund),
        )

    def _line(self, record: Record, digits: int, *, refund: bool) -> InvoiceLine:
        quantity = _units(self._value(record, "quantity"), refund=refund)
        price = self._money(record, "unit_price", digits)
        amount = self._money(record, "amount", digits, refund=refund)
        if amount is None:
            if price is None:
                raise RowFaultError("unit_price", "is blank")
            # Rounded once, so that a price of a tenth of a penny still adds up.
            amount = (price[0] * quantity, price[1])
        elif price is None:
            price = (amount[0], amount[1] * quantity)
        return InvoiceLine(
            line_number=record.row_number,
            sku=self._text(record, "sku", ID_LENGTH, required=True),
            description=self._text(record, "description", DESCRIPTION_LENGTH),
            quantity=quantity,
            unit_price_minor=_minor("unit_price", price, MAX_UNIT_PRICE_MINOR),
            amount_minor=_minor("amount", amount, MAX_AMOUNT_MINOR),
        )

    def _value(self, record: Record, field: str) -> str:
        getter = self._getters.get(field)
        return getter(record) if getter else ""

    def _text(self, record: Record, field: str, longest: int, *, required: bool = False) -> str:
        text = self._value(record, field)
        if required and not text:
            raise RowFaultError(field, "is blank")
        if len(text) > longest:
            raise RowFaultError(field, f"has more than {longest} characters")
        return text

    def _money(
        self, record: Record, field: str, digits: int, *, refund: bool = False
    ) -> tuple[int, int] | None:
        """Returns minor units as a fraction, 0 or more; None where the row does not say it."""
        text = self._value(record, field)
        if not text:
            return None
        try:
            number, parts = read_decimal(text)
        except ValueError:
            raise RowFaultError(field, "is not a decimal number such as 12.50") from None
        if refund:
            number = -number
        if number < 0:
            sign = "above" if refund else "below"
            raise RowFaultError(field, f"is {sign} 0")
        return number * 10**digits, parts


class DateReader:
    """Reads dates of one form as instants, and remembers the last ones: files repeat them."""

    def __init__(self, form: str, zone: ZoneInfo) -> None:
        self._form = form
        self._zone = zone
        self._known: dict[str, datetime] = {}

    def __call__(self, text: str) -> datetime:
        """Returns the instant; raises RowFaultError."""
        known = self._known.get(text)
        if known is None:
            if len(self._known) >= DATES_REMEMBERED:
                self._known.clear()
            known = self._known[text] = self._read(text)
        return known

    def _read(self, text: str) -> datetime:
        try:
            if self._form:
                value = datetime.strptime(text, self._form)  # noqa: DTZ007
            else:
                value = datetime.fromisoformat(text)
        except ValueError:
            form = self._form or "ISO 8601"
            raise RowFaultError("issue_time", f"is not a date of the form {form}") from None
        if not FIRST_YEAR <= value.year <= LAST_YEAR:
            reason = f"is not from {FIRST_YEAR} to {LAST_YEAR}"
            raise RowFaultError("issue_time", reason)
        return (value if value.tzinfo else value.replace(tzinfo=self._zone)).astimezone(UTC)


def _column(place: int) -> Callable[[Record], str]:
    return lambda record: record.values[place].strip()


def _constant(text: str) -> Callable[[Record], str]:
    if ROW not in text:
        return lambda _record: text
    return lambda record: text.replace(ROW, str(record.row_number))


def _units(text: str, *, refund: bool) -> int:
    """Returns the number of units, above 0; a credit note has them below 0 in the file."""
    try:
        number, parts = read_decimal(text)
    except ValueError:
        raise RowFaultError("quantity", "is not a whole number") from None
    if number % parts:
        raise RowFaultError("quantity", "is not a whole number")
    quantity = number // parts
    if refund:
        if quantity >= 0:
            raise RowFaultError("quantity", "is not below 0 on a credit note")
        quantity = -quantity
    elif quantity <= 0:
        raise RowFaultError("quantity", "is not above 0 on a sale")
    if quantity > MAX_QUANTITY:
        raise RowFaultError("quantity", f"is not from 1 to {MAX_QUANTITY}")
    return quantity


def _minor(field: str, fraction: tuple[int, int], greatest: int) -> int:
    minor = half_even(*fraction)
    if minor > greatest:
        raise RowFaultError(field, f"is more than {greatest} minor units")
    return minor
