"""Removes expired files of all tenants, and what crashed writes left in the storage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from core.files import store
from core.platform.storage import Found, Storage
from core.platform.system_database import SystemDatabase

BATCH = 500
ORPHAN_AGE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class SweepReport:
    """Counts what a sweep removed: files whose time was over, and bytes without a row."""

    expired_files: int
    orphans: int


@dataclass(frozen=True, slots=True)
class SweepFiles:
    """Cleans up after all tenants, as the system role.

    A row goes before its bytes: after a crash in between, they are an orphan of the next sweep.
    Orphans are a day old before they count as such, because a job writes its file first and its row
    in its last transaction.
    """

    system: SystemDatabase
    storage: Storage
    orphan_age_seconds: float = ORPHAN_AGE_SECONDS

    def __call__(self) -> SweepReport:
        """Removes all there is, in batches; any number of sweeps may run at once."""
        return SweepReport(self._remove_expired(), self._remove_orphans())

    def _remove_expired(self) -> int:
        removed = 0
        while True:
            with self.system.begin() as transaction:
                gone = store.delete_expired(transaction, BATCH)
            for tenant_id, path in gone:
                self.storage.delete(tenant_id, path)
            removed += len(gone)
            if len(gone) < BATCH:
                return removed

    def _remove_orphans(self) -> int:
        removed = 0
        leftovers = self.storage.leftovers(self.orphan_age_seconds)
        while batch := list(islice(leftovers, BATCH)):
            for orphan in self._without_row(batch):
                self.storage.remove(orphan)
                removed += 1
        return removed

    def _without_row(self, batch: list[Found]) -> Iterator[Found]:
        with self.system.begin() as transaction:
            known = store.known(transaction, [(found.tenant_id, found.file_id) for found in batch])
        for found in batch:
            if found.temporary or (found.tenant_id, found.file_id) not in known:
                yield found
