"""Joins what can be computed over the tenant's invoices."""

from __future__ import annotations

from dataclasses import dataclass

from core.analytics.compute_cohorts import ComputeCohorts
from core.analytics.compute_kpis import ComputeKpis
from core.platform.database import Database


@dataclass(frozen=True, slots=True)
class Analytics:
    """Holds the use cases of this noun."""

    compute_kpis: ComputeKpis
    compute_cohorts: ComputeCohorts


def analytics_use_cases(database: Database) -> Analytics:
    """Returns the use cases over one database."""
    return Analytics(ComputeKpis(database), ComputeCohorts(database))
