"""Ends a credential."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import not_found
from core.platform.system_database import SystemDatabase
from core.result import Err, Ok, Result
from core.tenants import store
from core.tenants.credential import Credential


@dataclass(frozen=True, slots=True)
class RevokeCredential:
    """Ends a credential now; other processes refuse it once their copy is a few seconds old."""

    system: SystemDatabase

    def __call__(self, _context: Context, key_id: str) -> Result[Credential]:
        """Returns the credential; refuses with RESOURCE_NOT_FOUND."""
        with self.system.begin() as transaction:
            credential = store.revoke_credential(transaction, key_id)
        return Err(not_found("credential", key_id)) if credential is None else Ok(credential)
