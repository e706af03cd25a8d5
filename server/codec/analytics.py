"""Turns messages of analytics into queries, and figures into messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from core.analytics.compute_cohorts import Cohort, CohortsQuery
from core.analytics.compute_kpis import KpisFound, KpisQuery
from core.analytics.kpis import Granularity, KpiChanges, Kpis, Period, Ranked
from howdah.analytics.v1 import analytics_pb2 as pb
from server.codec.common import date_of

GRANULARITY = "GRANULARITY_"


def kpis_query(request: pb.ComputeKpisRequest) -> KpisQuery:
    """Reads a query; refuses with FIELDS_INVALID a date no calendar has."""
    granularity = None
    if request.granularity != pb.GRANULARITY_UNSPECIFIED:
        name = pb.Granularity.Name(request.granularity)
        granularity = Granularity[name.removeprefix(GRANULARITY)]
    return KpisQuery(
        period=Period(
            date_of(request.start_date, "start_date"), date_of(request.end_date, "end_date")
        ),
        currency=request.currency,
        churn_days=request.churn_days,
        top_limit=request.top_limit,
        granularity=granularity,
        compare_previous=request.compare_previous,
    )


def kpis_found(value: KpisFound) -> pb.ComputeKpisResponse:
    """Answers ComputeKpis."""
    return pb.ComputeKpisResponse(
        kpis=kpis(value.kpis),
        previous=kpis(value.previous) if value.previous else None,
        changes=changes(value.changes) if value.changes else None,
    )


def kpis(value: Kpis) -> pb.Kpis:
    """Writes the figures of one period."""
    return pb.Kpis(
        start_date=value.period.start.isoformat(),
        end_date=value.period.end.isoformat(),
        currency=value.currency,
        gross_revenue_minor=value.gross_revenue_minor,
        refunds_minor=value.refunds_minor,
        net_revenue_minor=value.net_revenue_minor,
        orders=value.orders,
        credit_notes=value.credit_notes,
        average_order_value_minor=value.average_order_value_minor,
        units=value.units,
        customers=value.customers,
        new_customers=value.new_customers,
        returning_customers=value.returning_customers,
        repeat_rate=value.repeat_rate,
        refund_rate=value.refund_rate,
        churned_customers=value.churned_customers,
        top_products=_ranking(value.top_products),
        top_customers=_ranking(value.top_customers),
        top_countries=_ranking(value.top_countries),
        series=[
            pb.SeriesPoint(
                start_date=point.start.isoformat(),
                gross_revenue_minor=point.gross_revenue_minor,
                orders=point.orders,
                customers=point.customers,
            )
            for point in value.series
        ],
    )


def changes(value: KpiChanges) -> pb.KpiChanges:
    """Writes relative changes; those that are not known stay unset."""
    return pb.KpiChanges(**asdict(value))


def _ranking(places: Sequence[Ranked]) -> list[pb.RankedAmount]:
    return [
        pb.RankedAmount(
            key=place.key, name=place.name, gross_revenue_minor=place.gross_revenue_minor
        )
        for place in places
    ]


def cohorts_query(request: pb.ComputeCohortsRequest) -> CohortsQuery:
    """Reads a query."""
    return CohortsQuery(request.currency, request.limit)


def cohorts_found(value: Sequence[Cohort]) -> pb.ComputeCohortsResponse:
    """Answers ComputeCohorts."""
    return pb.ComputeCohortsResponse(
        cohorts=[
            pb.Cohort(month=f"{cohort.month:%Y-%m}", size=cohort.size, active=cohort.active)
            for cohort in value
        ]
    )
