"""Computes figures over invoices in Postgres: one statement for all that one period has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from core.analytics.kpis import Granularity, Kpis, Period, Ranked, SeriesPoint
from core.context import Context
from core.platform.database import Database
from core.platform.postgres import Row

# Drafts and void invoices never count, nor do those of another currency.
COUNTED = """tenant_id = %(tenant_id)s AND currency = %(currency)s AND status IN ('OPEN', 'PAID')"""
SOLD = f"{COUNTED} AND kind = 'SALE'"


def _begins(day: str) -> str:
    return f"(CAST(%({day})s AS timestamp) AT TIME ZONE %(time_zone)s)"


IN_PERIOD = f"issued_at >= {_begins('start')} AND issued_at < {_begins('end')}"


def _ranking(grouped: str, named: str) -> str:
    """Returns the greatest of `grouped` (key, gross), named by `named` (key, name), as JSON.

    Names are only looked up for those that can make it into the list.
    """
    return f"""(SELECT coalesce(json_agg(ranked), '[]') FROM (
        SELECT key, coalesce(nullif(named.name, ''), key) AS name, gross FROM (
            SELECT key, sum(amount)::bigint AS gross FROM ({grouped}) AS amounts GROUP BY key
            ORDER BY gross DESC FETCH FIRST %(top_limit)s ROWS WITH TIES
        ) AS first LEFT JOIN {named} AS named (key, name) USING (key)
        ORDER BY gross DESC, coalesce(nullif(named.name, ''), key) COLLATE "C", key COLLATE "C"
        LIMIT %(top_limit)s
    ) AS ranked)"""


PRODUCTS = _ranking(
    "SELECT sku AS key, amount_minor AS amount FROM sales JOIN invoice_lines"
    " ON tenant_id = %(tenant_id)s AND invoice_number = number",
    "(SELECT sku, name FROM products WHERE tenant_id = %(tenant_id)s)",
)
CUSTOMERS = _ranking(
    "SELECT customer AS key, total_minor AS amount FROM sales WHERE customer IS NOT NULL",
    "(SELECT external_id, name FROM customers WHERE tenant_id = %(tenant_id)s)",
)
COUNTRIES = _ranking(
    "SELECT country AS key, total_minor AS amount FROM sales WHERE country <> ''",
    "(SELECT NULL::text, NULL::text WHERE false)",
)

# Each customer is looked at once, in one pass over all of its sales: joining them with their own
# past and future would be faster for a short period, and a hundred times slower wherever Postgres
# has not gathered statistics yet, such as right after an import.
KPIS = f"""
WITH sales AS MATERIALIZED (
    SELECT number, customer_external_id AS customer, country, total_minor, units,
        (issued_at AT TIME ZONE %(time_zone)s)::date AS day
    FROM invoices WHERE {SOLD} AND {IN_PERIOD}
)
SELECT sold.*, given_back.*, people.*,
    {PRODUCTS} AS top_products, {CUSTOMERS} AS top_customers, {COUNTRIES} AS top_countries,
    (SELECT coalesce(json_agg(steps), '[]') FROM (
        SELECT date_trunc(%(step)s::text, day::timestamp)::date AS start, count(*) AS orders,
            sum(total_minor)::bigint AS gross, count(DISTINCT customer) AS customers
        FROM sales WHERE %(step)s::text <> '' GROUP BY 1
    ) AS steps) AS series
FROM (
    SELECT coalesce(sum(total_minor), 0)::bigint AS gross_revenue_minor, count(*) AS orders,
        coalesce(sum(units), 0)::bigint AS units
    FROM sales
) AS sold, (
    SELECT coalesce(sum(total_minor), 0)::bigint AS refunds_minor, count(*) AS credit_notes
    FROM invoices WHERE {COUNTED} AND kind = 'CREDIT_NOTE' AND {IN_PERIOD}
) AS given_back, (
    SELECT count(*) FILTER (WHERE orders > 0) AS customers,
        count(*) FILTER (WHERE orders > 1) AS repeat_customers,
        count(*) FILTER (WHERE orders > 0 AND first_at >= {_begins("start")}) AS new_customers,
        count(*) FILTER (WHERE last_at >= {_begins("churn_start")}
            AND last_at < {_begins("churn_end")}) AS churned_customers
    FROM (
        SELECT count(*) FILTER (WHERE {IN_PERIOD}) AS orders,
            min(issued_at) AS first_at, max(issued_at) AS last_at
        FROM invoices WHERE {SOLD} AND customer_external_id IS NOT NULL
        GROUP BY customer_external_id
    ) AS known
) AS people
"""

COHORTS = f"""
WITH bought AS (
    SELECT month, min(month) OVER (PARTITION BY customer) AS cohort
    FROM (
        SELECT DISTINCT customer_external_id AS customer,
            date_trunc('month', issued_at AT TIME ZONE %(time_zone)s)::date AS month
        FROM invoices WHERE {SOLD} AND customer_external_id IS NOT NULL
    ) AS months
), ranked AS (
    SELECT cohort, month, dense_rank() OVER (ORDER BY cohort DESC) AS newness FROM bought
)
SELECT cohort, month, count(*) AS customers,
    (SELECT date_trunc('month', max(issued_at) AT TIME ZONE %(time_zone)s)::date
     FROM invoices WHERE {SOLD}) AS last_month
FROM ranked WHERE newness <= %(limit)s GROUP BY cohort, month ORDER BY cohort, month
"""


@dataclass(frozen=True, slots=True)
class Measure:
    """Says in which currency invoices count, and in which time zone days begin."""

    currency: str
    time_zone: str


def measure(database: Database, context: Context, currency: str) -> Measure:
    """Returns the tenant's time zone, and its currency where none is asked for."""
    row = database.read_one(
        context,
        "SELECT time_zone, currency FROM tenants WHERE tenant_id = %(tenant_id)s",
        {"tenant_id": context.tenant_id},
    )
    assert row is not None, "a call is bound to a tenant that exists"
    return Measure(currency or row["currency"], row["time_zone"])


def kpis(
    database: Database,
    context: Context,
    measure: Measure,
    period: Period,
    *,
    churn_days: int,
    top_limit: int,
    granularity: Granularity | None,
) -> Kpis:
    """Returns the figures of one period, from one snapshot, in one round trip."""
    row = database.read_one(
        context,
        KPIS,
        {
            **_values(context, measure),
            "start": period.start,
            "end": period.end,
            # Who bought last on one of these days has not bought for `churn_days` in the period.
            "churn_start": period.start - timedelta(days=churn_days),
            "churn_end": period.end - timedelta(days=churn_days),
            "top_limit": top_limit,
            "step": granularity.value if granularity else "",
        },
    )
    assert row is not None
    values = dict(row)
    for ranking in ("top_products", "top_customers", "top_countries"):
        values[ranking] = tuple(
            Ranked(place["key"], place["name"], place["gross"]) for place in row[ranking]
        )
    values["series"] = _series(period, granularity, row["series"]) if granularity else ()
    return Kpis(period=period, currency=measure.currency, **values)


def cohort_months(database: Database, context: Context, measure: Measure, limit: int) -> list[Row]:
    """Returns, for the newest cohorts, how many customers of each bought in which month.

    Rows have `cohort`, `month`, `customers`, and the `last_month` with any sale; the first days of
    months, in order.
    """
    return database.read(context, COHORTS, {**_values(context, measure), "limit": limit})


def _values(context: Context, measure: Measure) -> dict[str, Any]:
    return {
        "tenant_id": context.tenant_id,
        "currency": measure.currency,
        "time_zone": measure.time_zone,
    }


def _series(period: Period, granularity: Granularity, steps: list[Row]) -> tuple[SeriesPoint, ...]:
    found = {
        date.fromisoformat(step["start"]): SeriesPoint(
            date.fromisoformat(step["start"]), step["gross"], step["orders"], step["customers"]
        )
        for step in steps
    }
    return tuple(found.get(day, SeriesPoint(day)) for day in period.steps(granularity))
