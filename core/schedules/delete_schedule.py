"""Deletes a schedule."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import not_found
from core.platform.database import Database
from core.result import Err, Result
from core.schedules import store


@dataclass(frozen=True, slots=True)
class DeleteSchedule:
    """Deletes a schedule with the record of its fires; jobs that it started go on."""

    database: Database

    def __call__(self, context: Context, schedule_id: str) -> Result[None]:
        """Deletes it, or refuses with RESOURCE_NOT_FOUND."""
        with self.database.begin(context) as unit:
            if not store.delete(unit, schedule_id):
                return Err(not_found("schedule", schedule_id))
            return unit.commit(None)
