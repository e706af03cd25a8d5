"""Replaces a credential by a successor; both are live until the overlap is over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from core.context import Context
from core.failures import field_invalid, not_found
from core.platform.secrets import SecretBox
from core.platform.system_database import SystemDatabase
from core.result import Err, Ok, Result
from core.tenants import store
from core.tenants.create_credential import NewCredential, issue
from core.tenants.credential import IssuedCredential

DEFAULT_OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Rotation:
    """Asks for the successor of a credential; the old one ends after the overlap."""

    key_id: str
    overlap: timedelta = DEFAULT_OVERLAP


@dataclass(frozen=True, slots=True)
class RotateCredential:
    """Creates a credential with the same tenants and roles, and gives the old one an end."""

    system: SystemDatabase
    secrets: SecretBox

    def __call__(self, _context: Context, command: Rotation) -> Result[IssuedCredential]:
        """Returns the successor with its secret; refuses where there is no live credential."""
        if not timedelta(0) <= command.overlap <= LONGEST_OVERLAP:
            return Err(field_invalid("overlap", "must be between 0 and 30 days"))
        now = datetime.now(UTC)
        with self.system.begin() as transaction:
            found = store.find_credential(transaction, command.key_id, lock=True)
            if found is None or not found[0].is_live(now):
                return Err(not_found("credential", command.key_id))
            old = found[0]
            successor = NewCredential(old.tenant_ids, old.roles, old.description)
            # What was made to live for a while is followed by what lives as long.
            end = None if old.not_after is None else now + (old.not_after - old.not_before)
            issued = issue(transaction, self.secrets, successor, now, end)
            replaced = store.end_credential(transaction, old.key_id, now + command.overlap)
        return Ok(replace(issued, replaced=replaced))
