"""Answers the calls of AnalyticsService."""

from __future__ import annotations

from core.analytics.use_cases import Analytics
from howdah.analytics.v1 import analytics_pb2 as pb
from server.codec import analytics as codec
from server.service import Service, Unary


def analytics_service(analytics: Analytics) -> Service:
    """Returns the table of the service."""
    return Service(
        pb.DESCRIPTOR.services_by_name["AnalyticsService"],
        {
            "ComputeKpis": Unary(codec.kpis_query, analytics.compute_kpis, codec.kpis_found),
            "ComputeCohorts": Unary(
                codec.cohorts_query, analytics.compute_cohorts, codec.cohorts_found
            ),
        },
    )
