"""Shows a tenant's key figures: HOWDAH_ADDRESS, _TENANT, _KEY_ID and _SECRET say whose and where.

Run with the days to look at: `python dashboard.py 2021-01-01 2022-07-01`.
"""

from __future__ import annotations

import os
import sys

from howdah.analytics.v1.analytics_pb2 import ComputeKpisRequest
from howdah.analytics.v1.analytics_pb2_grpc import AnalyticsServiceStub
from howdah_client import Credential, HowdahError, connect

credential = Credential(os.environ["HOWDAH_KEY_ID"], os.environ["HOWDAH_SECRET"])
tenant = os.environ["HOWDAH_TENANT"]
first, last = sys.argv[1:] or ("2021-01-01", "2022-07-01")

with connect(os.environ["HOWDAH_ADDRESS"], credential, tenant=tenant) as channel:
    request = ComputeKpisRequest(start_date=first, end_date=last, top_limit=3)
    try:
        kpis = AnalyticsServiceStub(channel).ComputeKpis(request, timeout=10).kpis
    except HowdahError as error:
        sys.exit(f"{error} (correlation id {error.correlation_id or 'unknown'})")

print(f"{tenant} {kpis.start_date} to {kpis.end_date}")
print(f"gross revenue {kpis.gross_revenue_minor / 100:,.2f} {kpis.currency}")
print(f"orders        {kpis.orders:,}")
print(f"customers     {kpis.customers:,}")
for customer in kpis.top_customers:
    print(f"  {customer.key:<8} {customer.gross_revenue_minor / 100:,.2f} {kpis.currency}")
