"""Gives an endpoint a new secret; messages carry both signatures until the overlap is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core.context import Context
from core.failures import field_invalid
from core.platform.database import Database
from core.platform.secrets import SecretBox
from core.result import Err, Result
from core.webhooks import store
from core.webhooks.create_endpoint import secret_label
from core.webhooks.endpoint import IssuedEndpoint
from core.webhooks.read_endpoints import no_endpoint
from core.webhooks.signing import new_secret, shown

DEFAULT_OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SecretRotation:
    """Asks for a new secret; the present one ends after the overlap, and one before it now."""

    endpoint_id: str
    overlap: timedelta = DEFAULT_OVERLAP


@dataclass(frozen=True, slots=True)
class RotateSecret:
    """Replaces the secret of an endpoint."""

    database: Database
    secrets: SecretBox

    def __call__(self, context: Context, command: SecretRotation) -> Result[IssuedEndpoint]:
        """Returns the endpoint with its new secret."""
        if not timedelta(0) <= command.overlap <= LONGEST_OVERLAP:
            return Err(field_invalid("overlap", "must be between 0 and 7 days"))
        secret = new_secret()
        label = secret_label(context.tenant_id, command.endpoint_id)
        with self.database.begin(context) as unit:
            endpoint = store.replace_secret(
                unit,
                command.endpoint_id,
                self.secrets.seal(secret, label),
                overlap=command.overlap,
            )
            if endpoint is None:
                return Err(no_endpoint(command.endpoint_id))
            return unit.commit(IssuedEndpoint(endpoint, shown(secret)))
