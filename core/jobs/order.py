"""Says what a worker and the process of an isolated attempt tell each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.jobs.job import Job
from core.jobs.run_attempt import AttemptEnd

STACK_FILE = "stack"


@dataclass(frozen=True, slots=True)
class Order:
    """Is what the process is given. Times are on the monotonic clock, which processes share."""

    job: Job
    renewed_at: float
    lease_seconds: float
    # Longer than the time limit and the grace: nobody minds the process any more by then.
    kill_after_seconds: float
    # Of the attempt, removed by the worker; its process may not live to do it.
    directory: Path
    log_context: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Renewed:
    """Tells the process when the worker last knew the lease as its own."""

    at: float


@dataclass(frozen=True, slots=True)
class Ended:
    """Tells the worker that the ledger has the ending; None where the job was another's."""

    end: AttemptEnd | None
