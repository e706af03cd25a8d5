"""Lists credentials, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.page import Page, PageRequest, page_of
from core.platform.system_database import SystemDatabase
from core.result import Ok, Result
from core.tenants import store
from core.tenants.credential import Credential


@dataclass(frozen=True, slots=True)
class CredentialQuery:
    """Asks for a page of credentials; of one tenant where `tenant_id` is set."""

    page: PageRequest
    tenant_id: str = ""


@dataclass(frozen=True, slots=True)
class ListCredentials:
    """Lists credentials by key id, without their secrets."""

    system: SystemDatabase

    def __call__(self, _context: Context, query: CredentialQuery) -> Result[Page[Credential]]:
        """Returns one page."""
        scope = f"credentials {query.tenant_id}"
        after = query.page.after(scope)
        with self.system.begin() as transaction:
            found = store.list_credentials(
                transaction, query.tenant_id, after[0] if after else "", query.page.limit + 1
            )
        return Ok(page_of(found, query.page, scope, lambda credential: credential.key_id))
