"""Gathers the rows of one chunk of a file to invoices, with what is stored of them already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.records.import_mapping import ImportGrouping
from core.records.import_rows import ImportRow, Rejection, RowParser
from core.records.invoice import Invoice, InvoiceLine, InvoiceStatus
from core.records.invoice_store import Imported
from core.records.limits import MAX_AMOUNT_MINOR, MAX_LINES

CHUNK_ROWS = 5_000
# Rows of one number stay in one chunk up to this length; a longer run is stored in parts.
LONGEST_CHUNK_ROWS = 2 * CHUNK_ROWS + MAX_LINES
CHUNK_CHARACTERS = 8 * 1024 * 1024


@dataclass(slots=True)
class Chunk:
    """Holds what one transaction of an import stores, and the rows it rejects."""

    replaced: list[Invoice] = field(default_factory=list)
    extended: list[Invoice] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    rows: int = 0

    @property
    def rows_stored(self) -> int:
        """Returns the number of rows that became lines."""
        return self.rows - len(self.rejections)


def chunks(rows: Iterable[ImportRow | Rejection]) -> Iterator[list[ImportRow | Rejection]]:
    """Yields rows by about 5,000, and never parts those of one number that follow each other."""
    chunk: list[ImportRow | Rejection] = []
    characters = 0
    number = ""
    for row in rows:
        text = row.text if isinstance(row, Rejection) else row.record.text
        of = "" if isinstance(row, Rejection) else row.number
        full = len(chunk) >= CHUNK_ROWS or characters >= CHUNK_CHARACTERS
        longest = len(chunk) >= LONGEST_CHUNK_ROWS or characters >= 2 * CHUNK_CHARACTERS
        if longest or (full and of and of != number):
            yield chunk
            chunk, characters = [], 0
        chunk.append(row)
        characters += len(text)
        number = of or number
    if chunk:
        yield chunk


def gather(
    rows: Sequence[ImportRow | Rejection],
    known: Mapping[str, Imported],
    grouping: ImportGrouping,
    parser: RowParser,
) -> Chunk:
    """Returns the chunk's invoices.

    Rows of a number that came up in an earlier chunk extend that invoice, so that a number may
    come back anywhere in a file. `known` says which invoices stand as this source left them: one
    that begins at an earlier row is extended; one that begins here was stored by an earlier run,
    and is replaced by the same.
    """
    chunk = Chunk(rows=len(rows))
    drafts: dict[str, _Draft] = {}
    for row in rows:
        if isinstance(row, Rejection):
            chunk.rejections.append(row)
            continue
        draft = drafts.get(row.number)
        if draft is None:
            draft = drafts[row.number] = _Draft.of(row, known.get(row.number))
        fault = draft.refusal(row, grouping)
        if fault:
            chunk.rejections.append(parser.reject(row.record, *fault))
        else:
            draft.add(row)
    for draft in drafts.values():
        if draft.lines:
            (chunk.extended if draft.lines_before else chunk.replaced).append(draft.invoice())
    return chunk


@dataclass(slots=True)
class _Draft:
    """Is an invoice while its rows are gathered; its first row says what it is."""

    first: ImportRow
    customer_external_id: str
    currency: str
    lines_before: int = 0
    total_minor: int = 0
    lines: list[InvoiceLine] = field(default_factory=list)

    @classmethod
    def of(cls, row: ImportRow, known: Imported | None) -> _Draft:
        if known is None or known.first_line >= row.line.line_number:
            return cls(row, row.customer_external_id, row.currency)
        return cls(row, known.customer_external_id, known.currency, known.lines, known.total_minor)

    def refusal(self, row: ImportRow, grouping: ImportGrouping) -> tuple[str, str] | None:
        """Returns which field keeps the row out of this invoice, and why, or None."""
        if grouping is ImportGrouping.ROW_IS_INVOICE and (self.lines or self.lines_before):
            return "number", "is that of an earlier row, and each row is an invoice"
        if row.currency != self.currency:
            return "currency", f"is not {self.currency} as in the invoice's first row"
        if row.customer_external_id not in {"", self.customer_external_id}:
            return "customer_external_id", "is another than in the invoice's first row"
        if self.lines_before + len(self.lines) >= MAX_LINES:
            return "number", f"has {MAX_LINES} rows already"
        if self.total_minor + row.line.amount_minor > MAX_AMOUNT_MINOR:
            return "amount", f"brings the invoice above {MAX_AMOUNT_MINOR} minor units"
        return None

    def add(self, row: ImportRow) -> None:
        self.lines.append(row.line)
        self.total_minor += row.line.amount_minor

    def invoice(self) -> Invoice:
        return Invoice(
            number=self.first.number,
            customer_external_id=self.customer_external_id,
            issued_at=self.first.issued_at,
            currency=self.currency,
            kind=self.first.kind,
            status=InvoiceStatus.PAID,
            country=self.first.country,
            lines=tuple(self.lines),
        )
