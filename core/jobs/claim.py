"""Takes a dispatched job for this worker, if nobody else has."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from core.context import Context, Principal
from core.jobs import store
from core.jobs.job import Job
from core.jobs.ledger import Ticket
from core.platform.database import Database

LONGEST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ClaimJob:
    """Turns a message into an attempt: the one message whose epoch is still the row's."""

    database: Database
    kinds: Sequence[str]
    worker_id: str
    lease_seconds: float

    def __call__(self, ticket: Ticket) -> Job | None:
        """Returns the running job; None where the message is old or the kind is not ours."""
        # Who submitted the job is written in the row that is about to be read.
        nobody = Principal("", frozenset({ticket.tenant_id}), frozenset(), frozenset())
        context = Context(
            principal=nobody,
            tenant_id=ticket.tenant_id,
            correlation_id="",
            deadline=time.monotonic() + LONGEST_SECONDS,
        )
        with self.database.begin(context) as unit:
            job = store.claim(
                unit,
                job_id=ticket.job_id,
                epoch=ticket.epoch,
                kinds=self.kinds,
                worker_id=self.worker_id,
                lease_seconds=self.lease_seconds,
            )
            unit.commit(job)
            return job
