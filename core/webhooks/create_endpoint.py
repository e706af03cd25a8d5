"""Creates an endpoint and shows its secret, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import uuid_utils

from core.context import Context
from core.failures import Failure, already_exists
from core.platform.database import Database
from core.platform.secrets import SecretBox
from core.reasons import Reason
from core.result import Err, Result
from core.webhooks import store
from core.webhooks.endpoint import Filter, IssuedEndpoint, refused_url
from core.webhooks.signing import new_secret, shown


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """Asks for an endpoint; no two of a tenant have the same URL."""

    url: str
    description: str = ""
    filter: Filter = field(default_factory=Filter)


@dataclass(frozen=True, slots=True)
class CreateEndpoint:
    """Creates an endpoint, unless its URL is refused or the tenant has too many."""

    database: Database
    secrets: SecretBox
    allowed_hosts: Sequence[str]
    most_endpoints: int

    def __call__(self, context: Context, command: NewEndpoint) -> Result[IssuedEndpoint]:
        """Returns the endpoint with its secret."""
        if (refused := refused_url(command.url, self.allowed_hosts)) is not None:
            return Err(refused)
        secret, endpoint_id = new_secret(), str(uuid_utils.uuid7())
        with self.database.begin(context) as unit:
            store.lock_endpoints(unit)
            if store.url_is_taken(unit, command.url, besides=None):
                return Err(already_exists("webhook endpoint", command.url))
            if store.count(unit) >= self.most_endpoints:
                return Err(_limit_reached(self.most_endpoints))
            endpoint = store.insert(
                unit,
                {
                    "endpoint_id": endpoint_id,
                    "url": command.url,
                    "description": command.description,
                    "event_types": list(command.filter.event_types),
                    "job_kinds": list(command.filter.job_kinds),
                    "secret": self.secrets.seal(
                        secret, secret_label(context.tenant_id, endpoint_id)
                    ),
                },
            )
            return unit.commit(IssuedEndpoint(endpoint, shown(secret)))


def secret_label(tenant_id: str, endpoint_id: str) -> str:
    """Returns what the stored secret of an endpoint belongs to."""
    return f"webhook endpoint {tenant_id}/{endpoint_id}"


def _limit_reached(most: int) -> Failure:
    return Failure(
        Reason.TENANT_LIMIT_REACHED,
        f"The tenant has {most} webhook endpoints already.",
        {"resource_type": "webhook endpoint", "limit": str(most)},
    )
