"""Reads the sales of a period for documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from core.documents.sales import Cohort, Ranked, Sales, SalesPeriod, SalesSummary
from core.platform.unit_of_work import UnitOfWork

MOST_RANKED = 500

# Drafts and void invoices never count.
EVER = """i.tenant_id = :tenant_id AND i.currency = :currency
 AND i.status IN ('OPEN', 'PAID')"""
EVER_SOLD = f"{EVER} AND i.kind = 'SALE'"
COUNTED = f"{EVER} AND i.issued_at >= :begins AND i.issued_at < :ends"
SOLD = f"{COUNTED} AND i.kind = 'SALE'"
LOCAL = "(i.issued_at AT TIME ZONE :time_zone)"
MONTH = f"date_trunc('month', {LOCAL})::date"
BUYER = "i.customer_external_id"

FIGURES = """
 coalesce(sum(i.total_minor) FILTER (WHERE i.kind = 'SALE'), 0)::bigint AS gross_minor,
 coalesce(sum(i.total_minor) FILTER (WHERE i.kind = 'CREDIT_NOTE'), 0)::bigint AS refunds_minor,
 count(*) FILTER (WHERE i.kind = 'SALE') AS orders,
 count(*) FILTER (WHERE i.kind = 'CREDIT_NOTE') AS credit_notes,
 coalesce(sum(i.units) FILTER (WHERE i.kind = 'SALE'), 0)::bigint AS units"""
RANKING = f"""
 count(DISTINCT i.number) AS orders, count(DISTINCT {BUYER}) AS customers,
 min({LOCAL})::date AS first, max({LOCAL})::date AS last"""
LINES = """invoices i JOIN invoice_lines l
 ON l.tenant_id = i.tenant_id AND l.invoice_number = i.number"""
OF_INVOICES = "sum(i.units)::bigint AS units, sum(i.total_minor)::bigint AS gross_minor"
OF_LINES = "sum(l.quantity)::bigint AS units, sum(l.amount_minor)::bigint AS gross_minor"

# What a part of the sales is: where its figures come from, and what narrows them to `:key`.
PARTS = {
    "product": (LINES, OF_LINES, "l.sku = :key"),
    "country": ("invoices i", OF_INVOICES, "i.country = :key"),
    "weekday": ("invoices i", OF_INVOICES, f"extract(isodow FROM {LOCAL})::text = :key"),
}
# Excel counts days from here, in fractions.
EXCEL_EPOCH = "timestamp '1899-12-30'"
INVOICE = f"""
 i.number, (extract(epoch FROM {LOCAL} - {EXCEL_EPOCH}) / 86400)::float8 AS day,
 i.customer_external_id, c.name, i.country, i.kind, i.status, i.units, i.total_minor"""


@dataclass(frozen=True, slots=True)
class InvoiceRange:
    """Names invoices in order of time and number: of a period, or of one customer in it."""

    period: SalesPeriod
    customer: str | None = None
    offset: int = 0
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class SalesReader:
    """Reads for one period; all of it in the unit's one snapshot."""

    unit: UnitOfWork
    period: SalesPeriod

    def summary(self) -> SalesSummary:
        """Returns all that is small."""
        self._plan_for_many_rows()
        cohorts = self._cohorts()
        new = {cohort.month: cohort.buyers[0] for cohort in cohorts}
        months = {
            month: replace(figures, new_customers=new.get(month, 0))
            for month, figures in self._buckets(MONTH).items()
        }
        return SalesSummary(
            period=self.period,
            total=self._total(self.period),
            previous=self._total(self.period.before()),
            days=self._buckets(f"{LOCAL}::date"),
            months={month: months.get(month, Sales()) for month in self.period.months()},
            customers=self._ranked(
                f"SELECT {BUYER} AS key, {OF_INVOICES}, {RANKING} FROM invoices i"
                f" WHERE {SOLD} AND {BUYER} IS NOT NULL GROUP BY {BUYER}",
                "customers p ON p.tenant_id = :tenant_id AND p.external_id = r.key",
                "p.name, p.country",
            ),
            products=self._ranked(
                f"SELECT l.sku AS key, {OF_LINES}, {RANKING} FROM {LINES} WHERE {SOLD}"
                " GROUP BY l.sku",
                "products p ON p.tenant_id = :tenant_id AND p.sku = r.key",
                "p.name, '' AS country",
            ),
            countries=self._ranked(
                f"SELECT i.country AS key, {OF_INVOICES}, {RANKING} FROM invoices i"
                f" WHERE {SOLD} AND i.country <> '' GROUP BY i.country",
                "(SELECT) p ON true",
                "r.key AS name, r.key AS country",
            ),
            cohorts=cohorts,
        )

    def figures(self, invoices: InvoiceRange) -> Sales:
        """Returns the sums over some invoices."""
        row = self.unit.one(
            f"SELECT {FIGURES} FROM (SELECT i.* FROM invoices i {self._which(invoices)}) i",
            self._range_values(invoices),
        )
        assert row is not None
        return Sales(**row)

    def invoices(self, invoices: InvoiceRange) -> Iterator[Any]:
        """Streams invoices; each row has the columns of `INVOICE`."""
        return self.unit.stream(
            f"SELECT {INVOICE} FROM invoices i LEFT JOIN customers c"
            " ON c.tenant_id = i.tenant_id AND c.external_id = i.customer_external_id"
            f" {self._which(invoices)}",
            self._range_values(invoices),
        )

    def months_of(self, part: str, key: str) -> dict[date, Sales]:
        """Returns the sales of one product, country or weekday by month, empty months included."""
        source, sums, narrow = PARTS[part]
        rows = self.unit.all(
            f"SELECT {MONTH} AS month, count(DISTINCT i.number) AS orders,"
            f" count(DISTINCT {BUYER}) AS customers, {sums}"
            f" FROM {source} WHERE {SOLD} AND {narrow} GROUP BY 1",
            self._values(self.period, key=key),
        )
        found = {row["month"]: _sales(row) for row in rows}
        return {month: found.get(month, Sales()) for month in self.period.months()}

    def buyers_of(self, part: str, key: str, limit: int) -> list[Ranked]:
        """Returns the known customers that bought most of one product, country or weekday."""
        source, sums, narrow = PARTS[part]
        return self._ranked(
            f"SELECT {BUYER} AS key, {sums}, {RANKING} FROM {source}"
            f" WHERE {SOLD} AND {narrow} AND {BUYER} IS NOT NULL GROUP BY {BUYER}",
            "customers p ON p.tenant_id = :tenant_id AND p.external_id = r.key",
            "p.name, p.country",
            limit=limit,
            key=key,
        )

    def buyers_in(self, part: str, key: str) -> int:
        """Returns the number of known customers that bought one product, country or weekday."""
        source, _, narrow = PARTS[part]
        row = self.unit.one(
            f"SELECT count(DISTINCT {BUYER}) AS buyers FROM {source} WHERE {SOLD} AND {narrow}",
            self._values(self.period, key=key),
        )
        assert row is not None
        return int(row["buyers"])

    def _plan_for_many_rows(self) -> None:
        """Has Postgres join by hashing.

        Right after an import it has no statistics yet, takes the sales for a handful, and loops
        over all lines for each of them: minutes instead of milliseconds.
        """
        self.unit.execute("SELECT set_config('enable_nestloop', 'off', true)")

    def _total(self, period: SalesPeriod) -> Sales:
        """First sales are looked for in all time, in the currency of the period."""
        row = self.unit.one(
            f"WITH buyers AS (SELECT {BUYER} AS buyer, count(*) AS orders FROM invoices i"
            f" WHERE {SOLD} AND {BUYER} IS NOT NULL GROUP BY {BUYER})"
            f" SELECT {FIGURES}, (SELECT count(*) FROM buyers) AS customers,"
            " (SELECT count(*) FROM buyers WHERE orders > 1) AS repeat_customers,"
            " (SELECT count(*) FROM buyers WHERE NOT EXISTS (SELECT FROM invoices i"
            f" WHERE {EVER_SOLD} AND {BUYER} = buyer AND i.issued_at < :begins)) AS new_customers"
            f" FROM invoices i WHERE {COUNTED}",
            self._values(period),
        )
        assert row is not None
        return Sales(**row)

    def _buckets(self, bucket: str) -> dict[date, Sales]:
        rows = self.unit.all(
            f"SELECT {bucket} AS bucket, {FIGURES}, count(DISTINCT {BUYER})"
            " FILTER (WHERE i.kind = 'SALE') AS customers"
            f" FROM invoices i WHERE {COUNTED} GROUP BY 1",
            self._values(self.period),
        )
        return {row["bucket"]: _sales(row) for row in rows}

    def _ranked(
        self, ranking: str, names: str, columns: str, *, limit: int = MOST_RANKED, key: str = ""
    ) -> list[Ranked]:
        rows = self.unit.all(
            f"SELECT r.*, {columns} FROM ({ranking} ORDER BY gross_minor DESC, key LIMIT :limit) r"
            f" JOIN {names} ORDER BY r.gross_minor DESC, r.key",
            self._values(self.period, limit=limit, key=key),
        )
        return [Ranked(**row) for row in rows]

    def _cohorts(self) -> list[Cohort]:
        """A first sale before the period makes no cohort; it is looked for in all time."""
        # A window and no join: right after an import Postgres knows too little of the rows to
        # choose a good one.
        rows = self.unit.all(
            "SELECT date_trunc('month', first)::date AS cohort, month,"
            " count(DISTINCT key) AS buyers"
            f" FROM (SELECT {BUYER} AS key, {MONTH} AS month,"
            f" min(i.issued_at) OVER everything AS began, min({LOCAL}) OVER everything AS first"
            f" FROM invoices i WHERE {EVER_SOLD} AND i.issued_at < :ends AND {BUYER} IS NOT NULL"
            f" WINDOW everything AS (PARTITION BY {BUYER})) sale"
            " WHERE began >= :begins GROUP BY 1, 2",
            self._values(self.period),
        )
        found = {(row["cohort"], row["month"]): int(row["buyers"]) for row in rows}
        months = self.period.months()
        return [
            Cohort(first, [found.get((first, later), 0) for later in months[place:]])
            for place, first in enumerate(months)
        ]

    def _which(self, invoices: InvoiceRange) -> str:
        narrow = "" if invoices.customer is None else f" AND {BUYER} = :customer"
        return f"WHERE {COUNTED}{narrow} ORDER BY i.issued_at, i.number LIMIT :limit OFFSET :offset"

    def _range_values(self, invoices: InvoiceRange) -> dict[str, Any]:
        return self._values(
            invoices.period,
            customer=invoices.customer,
            offset=invoices.offset,
            limit=invoices.limit,
        )

    def _values(self, period: SalesPeriod, **more: Any) -> dict[str, Any]:
        return {
            "tenant_id": self.unit.context.tenant_id,
            "currency": period.currency,
            "time_zone": period.time_zone,
            "begins": period.begins,
            "ends": period.ends,
            **more,
        }


def _sales(row: Any) -> Sales:
    known: Sequence[str] = tuple(asdict(Sales()))
    return Sales(**{name: row[name] for name in known if name in row})
