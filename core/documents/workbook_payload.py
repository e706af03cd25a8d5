"""Reads the payload of a `documents.workbook` job, also of one that StartWorkbook did not write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.analytics.compute_kpis import KpisQuery
from core.analytics.kpis import Granularity, Period
from core.documents.sales import SalesPeriod
from core.failures import FieldViolation
from core.jobs.payload import currency, day, faults_of, one_of, text, time_zone
from core.platform.unit_of_work import UnitOfWork

# Periods that are counted from the day on which the job runs, for those that a schedule starts.
LAST: Mapping[str, Granularity] = {
    "last_day": Granularity.DAY,
    "last_week": Granularity.WEEK,
    "last_month": Granularity.MONTH,
}
OPTIONAL = {"time_zone": time_zone, "currency": currency, "title": text(500)}


@dataclass(frozen=True, slots=True)
class WorkbookPlan:
    """Is what a workbook is to be about."""

    period: SalesPeriod
    title: str


def check_payload(payload: Mapping[str, Any]) -> Sequence[FieldViolation]:
    """Returns what StartWorkbook would refuse; `period` may stand for the two dates."""
    if "period" in payload:
        return list(faults_of(payload, {"period": one_of(*LAST)}, OPTIONAL))
    faults = list(faults_of(payload, {"start_date": day, "end_date": day}, OPTIONAL))
    return faults or list(KpisQuery(_dates(payload)).faults())


def plan_of(unit: UnitOfWork, payload: Mapping[str, Any]) -> WorkbookPlan:
    """Returns the plan, with the tenant's own values where the payload leaves them open."""
    tenant = unit.one(
        "SELECT display_name, time_zone, currency FROM tenants WHERE tenant_id = :tenant_id",
        {"tenant_id": unit.context.tenant_id},
    )
    assert tenant is not None, "a job is bound to a tenant that exists"
    zone = payload.get("time_zone") or tenant["time_zone"]
    if "period" in payload:
        today = datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
        period = last(LAST[payload["period"]], today)
    else:
        period = _dates(payload)
    return WorkbookPlan(
        SalesPeriod(period.start, period.end, zone, payload.get("currency") or tenant["currency"]),
        payload.get("title") or f"{tenant['display_name'] or unit.context.tenant_id}: sales",
    )


def last(granularity: Granularity, today: date) -> Period:
    """Returns the last day, week or month that was over when `today` began."""
    end = granularity.first_day(today)
    return Period(granularity.first_day(end - timedelta(days=1)), end)


def _dates(payload: Mapping[str, Any]) -> Period:
    return Period(
        date.fromisoformat(payload["start_date"]), date.fromisoformat(payload["end_date"])
    )
