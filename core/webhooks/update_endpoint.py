"""Changes an endpoint: where it is, what it is told of, and whether at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.context import Context
from core.failures import already_exists
from core.platform.database import Database
from core.result import Err, Result
from core.webhooks import store
from core.webhooks.endpoint import Endpoint, Filter, refused_url
from core.webhooks.read_endpoints import no_endpoint

SWITCHED_OFF = "Disabled by its owner."


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """Says what is to change; None leaves a thing as it is."""

    endpoint_id: str
    url: str | None = None
    description: str | None = None
    filter: Filter | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class UpdateEndpoint:
    """Changes an endpoint. One that is enabled or moved begins without failures."""

    database: Database
    allowed_hosts: Sequence[str]

    def __call__(self, context: Context, command: EndpointChange) -> Result[Endpoint]:
        """Returns the endpoint as it is now."""
        if command.url is not None:
            refused = refused_url(command.url, self.allowed_hosts)
            if refused is not None:
                return Err(refused)
        wanted = command.filter
        with self.database.begin(context) as unit:
            if command.url is not None:
                store.lock_endpoints(unit)
                if store.url_is_taken(unit, command.url, besides=command.endpoint_id):
                    return Err(already_exists("webhook endpoint", command.url))
            endpoint = store.update(
                unit,
                command.endpoint_id,
                {
                    "url": command.url,
                    "description": command.description,
                    "event_types": None if wanted is None else list(wanted.event_types),
                    "job_kinds": None if wanted is None else list(wanted.job_kinds),
                    "enabled": command.enabled,
                    "reason": SWITCHED_OFF,
                    "anew": command.enabled is True or command.url is not None,
                },
            )
            if endpoint is None:
                return Err(no_endpoint(command.endpoint_id))
            return unit.commit(endpoint)
