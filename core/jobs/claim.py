"""Takes dispatched jobs for this worker, if nobody else has."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from core.failures import RefusedError
from core.jobs.job import Job
from core.jobs.kind import JobKind
from core.jobs.ledger import KNOWN, Ticket, arrays, in_order, ticket_of, versions_of
from core.jobs.store import COLUMNS, TELL, job_from, json_text
from core.platform.system_database import SystemDatabase

# A message that outlived its dispatch may start a queued job: nothing has run since.
CLAIM = f"""
UPDATE jobs SET state = 'running', epoch = epoch + 1, attempt = attempt + 1,
    lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s),
    worker_id = %(worker_id)s, started_at = now(), sequence = sequence + 1,
    progress = CASE WHEN checkpoint IS NULL THEN '{{}}' ELSE progress END
FROM unnest(CAST(%(tenants)s AS text[]), CAST(%(ids)s AS uuid[]), CAST(%(epochs)s AS bigint[]))
    AS given (tenant, id, number)
WHERE tenant_id = tenant AND job_id = id AND epoch = number
AND state IN ('dispatched', 'queued') AND run_at <= now()
AND {KNOWN.format(versions="%(versions)s")}
AND (expires_at IS NULL OR expires_at > now() OR started_at IS NOT NULL)
AND NOT EXISTS (SELECT FROM tenants WHERE tenants.tenant_id = tenant AND jobs_paused_at IS NOT NULL)
RETURNING {COLUMNS}, {TELL}::text AS told
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """Is a job that runs here now, and since when, on the monotonic clock, its lease does."""

    job: Job
    since: float


class ClaimJob:
    """Turns a message into an attempt: the one message whose epoch is still the row's."""

    def __init__(
        self,
        system: SystemDatabase,
        kinds: Mapping[str, JobKind],
        worker_id: str,
        lease_seconds: float,
    ) -> None:
        self._system = system
        self._versions = json_text(versions_of(kinds))
        self._worker_id = worker_id
        self._lease_seconds = lease_seconds
        self._lock = threading.Lock()
        self._ahead: dict[Ticket, Claim] = {}

    def __call__(self, ticket: Ticket) -> Claim | None:
        """Returns the claim; None where the message is old or we do not know the kind so far."""
        with self._lock:
            claim = self._ahead.pop(_key(ticket), None)
        if claim is not None:
            return claim
        claims = self._claim([ticket])
        return claims[0] if claims else None

    def ahead(self, tickets: Sequence[Ticket]) -> None:
        """Claims what is about to be run, in one statement.

        Never raises: what is not claimed here is claimed when its turn comes, or seen to be old.
        """
        try:
            claims = self._claim(tickets)
        except RefusedError as refusal:
            structlog.get_logger().warning("jobs_not_claimed_ahead", reason=str(refusal))
            return
        except Exception:  # noqa: BLE001 - the consumer would lose the messages and their places.
            structlog.get_logger().exception("jobs_not_claimed_ahead")
            return
        with self._lock:
            for claim in claims:
                job = claim.job
                self._ahead[Ticket(job.tenant_id, job.job_id, job.epoch - 1)] = claim

    def give_up(self, *, after_seconds: float = 0.0) -> list[Ticket]:
        """Forgets and returns what was claimed ahead and has not begun in that time."""
        before = time.monotonic() - after_seconds
        with self._lock:
            late = [key for key, claim in self._ahead.items() if claim.since <= before]
            jobs = [self._ahead.pop(key).job for key in late]
        return [ticket_of(job) for job in jobs]

    def _claim(self, tickets: Sequence[Ticket]) -> list[Claim]:
        since = time.monotonic()
        rows = self._system.run(
            CLAIM,
            {
                **arrays(in_order(tickets)),
                "versions": self._versions,
                "worker_id": self._worker_id,
                "lease_seconds": self._lease_seconds,
            },
        )
        return [Claim(job_from(row), since) for row in rows]


def _key(ticket: Ticket) -> Ticket:
    """Returns what a message says of a job wherever it came from."""
    return Ticket(ticket.tenant_id, ticket.job_id, ticket.epoch)
