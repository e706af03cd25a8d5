"""Counts a crash of an attempt that cannot end itself, without waiting for its lease to run out."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from core.failures import Failure, RefusedError, envelope
from core.jobs import leases
from core.jobs.job import JobState
from core.jobs.ledger import Ticket
from core.jobs.store import json_text
from core.platform.system_database import SystemDatabase


@dataclass(frozen=True, slots=True)
class CountCrash:
    """Never raises: what cannot be counted now is rescued when its lease runs out."""

    system: SystemDatabase

    def __call__(self, ticket: Ticket, failure: Failure) -> JobState | None:
        """Returns what became of the job: queued again, quarantined, or cancelled.

        None where it is no longer the attempt's, or Postgres cannot be reached.
        """
        try:
            with self.system.begin() as transaction:
                return leases.crash(transaction, ticket, error=json_text(envelope(failure, "")))
        except RefusedError as refusal:
            structlog.get_logger().warning("crash_not_counted", reason=str(refusal))
            return None
