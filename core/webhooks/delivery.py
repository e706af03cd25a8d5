"""Is one delivery of a message to an endpoint, with every try that was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# As in core/platform/migrations/versions/0004_webhooks.py, which starts the jobs of deliveries.
WEBHOOK_QUEUE = "webhooks"
DELIVER_KIND = "webhooks.deliver"
# The tries have a schedule of their own; so many times a job may also be put off by its endpoint.
MOST_JOB_ATTEMPTS = 1_000


class DeliveryState(StrEnum):
    """Says where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """Is one try. `status` is None where no answer came; `error` is empty where it went well."""

    number: int
    started_at: datetime
    duration_ms: int
    status: int | None
    error: str
    answer: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """Is one delivery. `job_id` is the job that makes it, `next_at` when it is tried next."""

    delivery_id: str
    message_id: str
    endpoint_id: str
    event_type: str
    subject_job_id: str | None
    job_id: str
    state: DeliveryState
    created_at: datetime
    finished_at: datetime | None
    next_at: datetime | None
    attempts: Sequence[DeliveryAttempt] = ()
