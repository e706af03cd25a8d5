"""Is a customer of the SaaS, whose data is kept apart from all others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Tenant:
    """Is one tenant, with its IANA time zone and its ISO 4217 currency."""

    tenant_id: str
    display_name: str
    time_zone: str
    currency: str
    created_at: datetime
