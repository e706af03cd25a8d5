"""Starts the writing of a sales workbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from core.analytics.compute_kpis import KpisQuery
from core.analytics.kpis import Period
from core.context import Context
from core.failures import fields_invalid
from core.jobs.job import Job
from core.platform.database import Database
from core.platform.unit_of_work import UnitOfWork
from core.result import Err, Result

KIND = "documents.workbook"


class Submit(Protocol):
    """Writes a job in the caller's transaction."""

    def __call__(self, unit: UnitOfWork, *, kind: str, payload: Mapping[str, Any]) -> Job:
        """Returns the new job; raises TENANT_QUEUE_FULL."""


@dataclass(frozen=True, slots=True)
class WorkbookOrder:
    """Asks for a workbook; the empty currency and title take the tenant's."""

    period: Period
    currency: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class StartWorkbook:
    """Submits a job of kind `documents.workbook`.

    Takes the periods that ComputeKpis takes, and refuses others with FIELDS_INVALID as it does.
    """

    database: Database
    submit: Submit

    def __call__(self, context: Context, order: WorkbookOrder) -> Result[Job]:
        """Writes the order down with the tenant's time zone, currency and name as they are now."""
        with self.database.begin(context) as unit:
            faults = list(KpisQuery(order.period).faults())
            if faults:
                return Err(fields_invalid(faults))
            tenant = unit.one(
                "SELECT display_name, time_zone, currency FROM tenants"
                " WHERE tenant_id = :tenant_id",
                {"tenant_id": context.tenant_id},
            )
            assert tenant is not None, "a call is bound to a tenant that exists"
            payload = {
                "start_date": order.period.start.isoformat(),
                "end_date": order.period.end.isoformat(),
                "time_zone": tenant["time_zone"],
                "currency": order.currency or tenant["currency"],
                "title": order.title or f"{tenant['display_name'] or context.tenant_id}: sales",
            }
            return unit.commit(self.submit(unit, kind=KIND, payload=payload))
