"""Finds jobs that wait for a worker that there is not, such as in the middle of a release."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from core.jobs.ledger import KNOWN_TO_WORKER, WORKER_GONE_SECONDS
from core.platform.postgres import Row
from core.platform.system_database import SystemDatabase, SystemTransaction

MOST_KINDS = 20
OTHER_KINDS = "others"
WARN_SECONDS = 60.0

# One look at the jobs that wait; a queue has few kinds, of few versions. Those of a paused tenant
# wait on purpose.
WAITING = f"""
SELECT queue, kind, jobs, COALESCE(extract(epoch FROM now() - oldest), 0)::float8 AS oldest_seconds,
    EXISTS (SELECT FROM workers WHERE seen_at > now() - make_interval(secs => :gone)
        AND waiting.queue = ANY(queues) AND {KNOWN_TO_WORKER.format(job="waiting")}) AS has_worker
FROM (
    SELECT queue, kind, kind_version, count(*) AS jobs, min(run_at) AS oldest FROM jobs
    WHERE state IN ('queued', 'dispatched') AND run_at <= now()
    AND tenant_id NOT IN (SELECT tenant_id FROM tenants WHERE jobs_paused_at IS NOT NULL)
    GROUP BY queue, kind, kind_version
) AS waiting
"""


@dataclass(frozen=True, slots=True)
class StrandedKind:
    """Counts due jobs of a kind, or of a version of it, that no live worker can run."""

    kind: str
    jobs: int
    oldest_seconds: float


def waiting(transaction: SystemTransaction) -> list[Row]:
    """Returns what could run by queue, kind and version: `jobs`, `oldest_seconds`, `has_worker`."""
    return transaction.all(WAITING, {"gone": WORKER_GONE_SECONDS})


def stranded(rows: Iterable[Row]) -> list[StrandedKind]:
    """Returns the kinds of those rows of `waiting` that have no worker."""
    found: dict[str, StrandedKind] = {}
    for row in rows:
        if not row["has_worker"]:
            before = found.get(row["kind"], StrandedKind(row["kind"], 0, 0.0))
            found[row["kind"]] = StrandedKind(
                row["kind"],
                before.jobs + row["jobs"],
                max(before.oldest_seconds, row["oldest_seconds"]),
            )
    return bounded(found.values())


def bounded(kinds: Iterable[StrandedKind]) -> list[StrandedKind]:
    """Returns the longest lines first, and sums what is beyond `MOST_KINDS`."""
    ordered = sorted(kinds, key=lambda kind: (-kind.jobs, kind.kind))
    told, rest = ordered[:MOST_KINDS], ordered[MOST_KINDS:]
    if rest:
        oldest = max(kind.oldest_seconds for kind in rest)
        told.append(StrandedKind(OTHER_KINDS, sum(kind.jobs for kind in rest), oldest))
    return told


class WatchForStranded:
    """Warns of kinds without a worker; of each once a minute.

    A job that has waited for less than a worker may be silent is no news: workers restart.
    """

    def __init__(self, system: SystemDatabase) -> None:
        self._system = system
        self._quiet_until: dict[str, float] = {}

    def __call__(self) -> list[StrandedKind]:
        """Looks once; returns the kinds that it warned of."""
        with self._system.begin() as transaction:
            found = stranded(waiting(transaction))
        now = time.monotonic()
        news = [
            kind
            for kind in found
            if kind.oldest_seconds >= WORKER_GONE_SECONDS
            and now >= self._quiet_until.get(kind.kind, 0.0)
        ]
        for kind in news:
            self._quiet_until[kind.kind] = now + WARN_SECONDS
            structlog.get_logger().warning(
                "jobs_without_worker",
                kind=kind.kind,
                jobs=kind.jobs,
                oldest_seconds=round(kind.oldest_seconds, 1),
            )
        return news
