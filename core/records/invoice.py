"""Is a sale or a credit note, with its lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.failures import FieldViolation
from core.money import CURRENCY
from core.records.limits import (
    COUNTRY_LENGTH,
    DESCRIPTION_LENGTH,
    FIRST_YEAR,
    ID_LENGTH,
    LAST_YEAR,
    MAX_AMOUNT_MINOR,
    MAX_LINES,
    MAX_QUANTITY,
    MAX_UNIT_PRICE_MINOR,
    number_faults,
    text_faults,
)


class InvoiceKind(StrEnum):
    """Lists the kinds: money the tenant is owed, or money it gives back."""

    SALE = "SALE"
    CREDIT_NOTE = "CREDIT_NOTE"


class InvoiceStatus(StrEnum):
    """Lists where an invoice can stand; drafts and void ones never count."""

    DRAFT = "DRAFT"
    OPEN = "OPEN"
    PAID = "PAID"
    VOID = "VOID"


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """Is one position, ordered by `line_number`; amounts are in minor units, never below 0."""

    line_number: int
    sku: str
    description: str
    quantity: int
    unit_price_minor: int
    amount_minor: int

    def faults(self) -> Iterator[FieldViolation]:
        """Yields why it cannot be stored."""
        yield from text_faults("sku", self.sku, ID_LENGTH, required=True)
        yield from text_faults("description", self.description, DESCRIPTION_LENGTH)
        yield from number_faults("quantity", self.quantity, 1, MAX_QUANTITY)
        yield from number_faults("unit_price_minor", self.unit_price_minor, 0, MAX_UNIT_PRICE_MINOR)
        yield from number_faults("amount_minor", self.amount_minor, 0, MAX_AMOUNT_MINOR)


@dataclass(frozen=True, slots=True)
class Invoice:
    """Is one invoice, known by its number; anonymous where the customer is empty."""

    number: str
    customer_external_id: str
    issued_at: datetime
    currency: str
    kind: InvoiceKind
    status: InvoiceStatus
    country: str
    lines: tuple[InvoiceLine, ...]
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def total_minor(self) -> int:
        """Returns the sum of its lines in minor units."""
        return sum(line.amount_minor for line in self.lines)

    @property
    def units(self) -> int:
        """Returns the number of units on its lines."""
        return sum(line.quantity for line in self.lines)

    def faults(self) -> Iterator[FieldViolation]:
        """Yields why it cannot be stored."""
        yield from text_faults("number", self.number, ID_LENGTH, required=True)
        yield from text_faults("customer_external_id", self.customer_external_id, ID_LENGTH)
        yield from text_faults("country", self.country, COUNTRY_LENGTH)
        if not FIRST_YEAR <= self.issued_at.year <= LAST_YEAR:
            yield FieldViolation("issue_time", f"must be from {FIRST_YEAR} to {LAST_YEAR}")
        if not CURRENCY.fullmatch(self.currency):
            yield FieldViolation("currency", "must be an ISO 4217 code such as EUR")
        if not 1 <= len(self.lines) <= MAX_LINES:
            yield FieldViolation("lines", f"must be 1 to {MAX_LINES}")
        for place, line in enumerate(self.lines):
            for fault in line.faults():
                yield FieldViolation(f"lines[{place}].{fault.field}", fault.description)
        if self.total_minor > MAX_AMOUNT_MINOR:
            yield FieldViolation("lines", f"must sum up to at most {MAX_AMOUNT_MINOR}")
