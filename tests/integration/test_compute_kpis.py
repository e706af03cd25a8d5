from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.analytics.compute_cohorts import CohortsQuery
from core.analytics.compute_kpis import KpisFound, KpisQuery
from core.analytics.kpis import Granularity, Kpis, Period
from core.analytics.use_cases import Analytics, analytics_use_cases
from core.context import Context
from core.platform.database import Database
from core.platform.postgres import open_engine
from core.platform.system_database import SystemDatabase
from core.reasons import Reason
from core.records.invoice import Invoice, InvoiceKind, InvoiceLine, InvoiceStatus
from core.records.product import Product
from core.records.upsert_invoices import UpsertInvoices
from core.records.upsert_products import UpsertProducts
from core.result import Err, Ok
from tests.conftest import Databases, Postgres, context_of

FIRST = datetime(2021, 1, 1, tzinfo=UTC)
TOP = 2
NAMES = {"A": "Zebra", "B": "Ant", "C": ""}


@dataclass(frozen=True)
class Ledger:
    """Is a database whose one tenant's invoices a test sets."""

    databases: Databases

    @property
    def analytics(self) -> Analytics:
        return analytics_use_cases(self.databases.app)

    @property
    def context(self) -> Context:
        return context_of("acme")

    def hold(self, invoices: Sequence[Invoice], time_zone: str = "UTC") -> None:
        with self.databases.system.begin() as transaction:
            transaction.execute("UPDATE tenants SET time_zone = :zone", {"zone": time_zone})
        with self.databases.app.begin(self.context) as unit:
            unit.execute("DELETE FROM invoices WHERE tenant_id = :t", {"t": "acme"})
            unit.commit(None)
        for batch in range(0, len(invoices), 1_000):
            part = invoices[batch : batch + 1_000]
            stored = UpsertInvoices(self.databases.app)(self.context, part)
            assert isinstance(stored, Ok)
            assert not stored.value.failures

    def kpis(self, query: KpisQuery) -> KpisFound:
        found = self.analytics.compute_kpis(self.context, query)
        assert isinstance(found, Ok), found
        return found.value


@pytest.fixture(scope="module")
def ledger(postgres: Postgres) -> Iterator[Ledger]:
    urls = postgres.create()
    app = Database(open_engine(urls.app, pool_size=2, connect_timeout_seconds=3))
    system = SystemDatabase(open_engine(urls.system, pool_size=1, connect_timeout_seconds=3))
    products = [Product(sku, name) for sku, name in NAMES.items()]
    assert isinstance(UpsertProducts(app)(context_of("acme"), products), Ok)
    yield Ledger(Databases(app, system, urls))
    app.dispose()
    system.dispose()
    postgres.drop(urls)


def invoice(
    number: int = 1,
    *,
    customer: str = "7",
    at: datetime = FIRST,
    currency: str = "USD",
    kind: InvoiceKind = InvoiceKind.SALE,
    status: InvoiceStatus = InvoiceStatus.PAID,
    country: str = "DE",
    lines: Sequence[tuple[str, int, int]] = (("A", 1, 100),),
) -> Invoice:
    return Invoice(
        number=str(number),
        customer_external_id=customer,
        issued_at=at,
        currency=currency,
        kind=kind,
        status=status,
        country=country,
        lines=tuple(
            InvoiceLine(place, sku, "", quantity, amount // quantity, amount)
            for place, (sku, quantity, amount) in enumerate(lines, 1)
        ),
    )


LINES = st.lists(
    st.tuples(st.sampled_from(sorted(NAMES)), st.integers(1, 3), st.integers(0, 4)),
    min_size=1,
    max_size=3,
)
INVOICES = st.lists(
    st.builds(
        invoice,
        customer=st.sampled_from(["", "7", "8", "9"]),
        at=st.integers(0, 24 * 60 * 100).map(lambda minutes: FIRST + timedelta(minutes=minutes)),
        currency=st.sampled_from(["USD", "USD", "USD", "EUR"]),
        kind=st.sampled_from([InvoiceKind.SALE, InvoiceKind.SALE, InvoiceKind.CREDIT_NOTE]),
        status=st.sampled_from(InvoiceStatus),
        country=st.sampled_from(["", "DE", "FR"]),
        lines=LINES,
    ),
    max_size=40,
)
QUERIES = st.builds(
    KpisQuery,
    period=st.builds(
        lambda start, days: Period(start, start + timedelta(days=days)),
        st.dates(date(2020, 12, 25), date(2021, 4, 15)),
        st.integers(1, 60),
    ),
    churn_days=st.integers(1, 90),
    top_limit=st.just(TOP),
    granularity=st.sampled_from(Granularity),
    compare_previous=st.just(True),
)
ZONES = st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia"])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(INVOICES, QUERIES, ZONES)
def test_kpis_equal_a_plain_computation(
    ledger: Ledger, invoices: list[Invoice], query: KpisQuery, zone: str
) -> None:
    numbered = [dataclasses.replace(item, number=str(place)) for place, item in enumerate(invoices)]
    ledger.hold(numbered, zone)
    found = ledger.kpis(query)
    assert query.granularity is not None
    plain = Plain(numbered, ZoneInfo(zone), query.churn_days, query.granularity)
    assert figures(found.kpis) == plain.figures(query.period)
    assert found.previous is not None
    assert figures(found.previous) == plain.figures(query.period.before())


def figures(kpis: Kpis) -> dict[str, Any]:
    return {
        "gross": kpis.gross_revenue_minor,
        "refunds": kpis.refunds_minor,
        "net": kpis.net_revenue_minor,
        "orders": kpis.orders,
        "credit_notes": kpis.credit_notes,
        "average": kpis.average_order_value_minor,
        "units": kpis.units,
        "customers": kpis.customers,
        "new": kpis.new_customers,
        "returning": kpis.returning_customers,
        "repeat_rate": kpis.repeat_rate,
        "refund_rate": kpis.refund_rate,
        "churned": kpis.churned_customers,
        "products": [(p.key, p.name, p.gross_revenue_minor) for p in kpis.top_products],
        "buyers": [(p.key, p.name, p.gross_revenue_minor) for p in kpis.top_customers],
        "countries": [(p.key, p.name, p.gross_revenue_minor) for p in kpis.top_countries],
        "series": [(p.start, p.gross_revenue_minor, p.orders, p.customers) for p in kpis.series],
    }


@dataclass(frozen=True)
class Plain:
    """Computes the same figures the long way round, as 8-workloads words them."""

    invoices: Sequence[Invoice]
    zone: ZoneInfo
    churn_days: int
    granularity: Granularity

    def counted(self, kind: InvoiceKind) -> list[tuple[date, Invoice]]:
        return [
            (item.issued_at.astimezone(self.zone).date(), item)
            for item in self.invoices
            if item.kind is kind
            and item.currency == "USD"
            and item.status in {InvoiceStatus.OPEN, InvoiceStatus.PAID}
        ]

    def figures(self, period: Period) -> dict[str, Any]:
        ever = self.counted(InvoiceKind.SALE)
        sales = [(day, item) for day, item in ever if period.start <= day < period.end]
        notes = [
            item
            for day, item in self.counted(InvoiceKind.CREDIT_NOTE)
            if period.start <= day < period.end
        ]
        gross = sum(item.total_minor for _, item in sales)
        refunds = sum(item.total_minor for item in notes)
        days_of = defaultdict(list)
        for day, item in ever:
            if item.customer_external_id:
                days_of[item.customer_external_id].append(day)
        orders_of = Counter(
            item.customer_external_id for _, item in sales if item.customer_external_id
        )
        new = sum(min(days_of[customer]) >= period.start for customer in orders_of)
        churned = sum(
            period.start <= max(days) + timedelta(days=self.churn_days) < period.end
            for days in days_of.values()
        )
        return {
            "gross": gross,
            "refunds": refunds,
            "net": gross - refunds,
            "orders": len(sales),
            "credit_notes": len(notes),
            "average": average(gross, len(sales)),
            "units": sum(item.units for _, item in sales),
            "customers": len(orders_of),
            "new": new,
            "returning": len(orders_of) - new,
            "repeat_rate": sum(count > 1 for count in orders_of.values()) / (len(orders_of) or 1),
            "refund_rate": refunds / gross if gross else 0,
            "churned": churned,
            "products": top(
                [(line.sku, line.amount_minor) for _, item in sales for line in item.lines],
                lambda sku: NAMES[sku] or sku,
            ),
            "buyers": top([(i.customer_external_id, i.total_minor) for _, i in sales]),
            "countries": top([(i.country, i.total_minor) for _, i in sales]),
            "series": self.series(period, sales),
        }

    def series(
        self, period: Period, sales: Sequence[tuple[date, Invoice]]
    ) -> list[tuple[date, int, int, int]]:
        points = []
        for start in period.steps(self.granularity):
            of = [item for day, item in sales if self.granularity.first_day(day) == start]
            buyers = {item.customer_external_id for item in of} - {""}
            points.append((start, sum(i.total_minor for i in of), len(of), len(buyers)))
        return points


def average(gross: int, orders: int) -> int:
    if not orders:
        return 0
    return int((Decimal(gross) / orders).quantize(Decimal(1), ROUND_HALF_EVEN))


def top(
    amounts: Sequence[tuple[str, int]], name: Callable[[str], str] = str
) -> list[tuple[str, str, int]]:
    sums: Counter[str] = Counter()
    for key, amount in amounts:
        if key:
            sums[key] += amount
    places = [(key, name(key), total) for key, total in sums.items()]
    return sorted(places, key=lambda place: (-place[2], place[1], place[0]))[:TOP]


def test_another_currency_has_its_own_figures(ledger: Ledger) -> None:
    ledger.hold([invoice(1), invoice(2, currency="EUR", lines=[("B", 2, 500)])])
    period = Period(date(2021, 1, 1), date(2021, 1, 2))
    euros = ledger.kpis(KpisQuery(period, "EUR")).kpis
    assert (euros.currency, euros.gross_revenue_minor, euros.orders) == ("EUR", 500, 1)
    dollars = ledger.kpis(KpisQuery(period)).kpis
    assert (dollars.currency, dollars.gross_revenue_minor) == ("USD", 100)


def test_changes_compare_with_the_period_before(ledger: Ledger) -> None:
    ledger.hold([invoice(1), invoice(2, at=FIRST + timedelta(days=1), lines=[("A", 3, 150)])])
    period = Period(date(2021, 1, 2), date(2021, 1, 3))
    found = ledger.kpis(KpisQuery(period, compare_previous=True))
    assert found.changes is not None
    assert found.changes.gross_revenue == 0.5
    assert found.changes.units == 2.0
    assert found.changes.orders == 0.0
    assert found.changes.refunds is None


def test_a_day_begins_at_midnight_of_the_tenant(ledger: Ledger) -> None:
    late = datetime(2021, 1, 2, 4, 59, tzinfo=UTC)
    ledger.hold([invoice(1, at=late)], "America/New_York")
    first, second = date(2021, 1, 1), date(2021, 1, 2)
    assert ledger.kpis(KpisQuery(Period(first, second))).kpis.orders == 1
    assert ledger.kpis(KpisQuery(Period(second, date(2021, 1, 3)))).kpis.orders == 0


def test_a_period_without_days_is_refused(ledger: Ledger) -> None:
    day = date(2021, 1, 1)
    refused = ledger.analytics.compute_kpis(ledger.context, KpisQuery(Period(day, day)))
    assert isinstance(refused, Err)
    assert refused.failure.reason is Reason.FIELDS_INVALID
    assert refused.failure.fields[0].field == "end_date"


def test_cohorts_end_with_the_last_month_with_a_sale(ledger: Ledger) -> None:
    def at(month: int) -> datetime:
        return datetime(2021, month, 15, tzinfo=UTC)

    ledger.hold(
        [
            invoice(1, customer="7", at=at(1)),
            invoice(2, customer="7", at=at(3)),
            invoice(3, customer="8", at=at(1)),
            invoice(4, customer="9", at=at(3)),
            invoice(5, customer="", at=at(4)),
            invoice(6, customer="8", at=at(5), status=InvoiceStatus.VOID),
        ]
    )
    found = ledger.analytics.compute_cohorts(ledger.context, CohortsQuery())
    assert isinstance(found, Ok)
    assert [(cohort.month, cohort.size, cohort.active) for cohort in found.value] == [
        (date(2021, 1, 1), 2, (2, 0, 1, 0)),
        (date(2021, 3, 1), 1, (1, 0)),
    ]


def test_a_tenant_without_invoices_has_figures_of_zero(ledger: Ledger) -> None:
    ledger.hold([])
    kpis = ledger.kpis(KpisQuery(Period(date(2021, 1, 1), date(2021, 2, 1)))).kpis
    assert (kpis.gross_revenue_minor, kpis.average_order_value_minor, kpis.repeat_rate) == (0, 0, 0)
    assert kpis.series == ()
    found = ledger.analytics.compute_cohorts(ledger.context, CohortsQuery())
    assert found == Ok([])
