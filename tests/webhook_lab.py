"""Builds webhooks beside the jobs of a lab, and makes their deliveries when a test says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry
from standardwebhooks import Webhook

from core.config import Settings
from core.context import Context
from core.jobs.job import Job
from core.platform.secrets import SecretBox
from core.result import Ok
from core.webhooks.create_endpoint import NewEndpoint
from core.webhooks.delivery import Delivery
from core.webhooks.endpoint import Endpoint, Filter, IssuedEndpoint
from core.webhooks.list_deliveries import DeliveriesQuery
from core.webhooks.use_cases import Webhooks, webhook_kind, webhooks_use_cases
from tests.jobs_lab import Lab, ticket
from tests.webhook_receiver import Received


@dataclass
class WebhookLab:
    """Holds the use cases of webhooks on a lab's database."""

    lab: Lab
    webhooks: Webhooks
    registry: CollectorRegistry

    def endpoint(
        self, context: Context, url: str = "https://receiver.example/hooks", **filters: Any
    ) -> IssuedEndpoint:
        """Creates an endpoint."""
        created = self.webhooks.create(context, NewEndpoint(url, filter=Filter(**filters)))
        assert isinstance(created, Ok), created
        return created.value

    def get(self, context: Context, endpoint: Endpoint) -> Endpoint:
        """Returns the endpoint as it is."""
        found = self.webhooks.get(context, endpoint.endpoint_id)
        assert isinstance(found, Ok)
        return found.value

    def deliveries(self, context: Context, **query: Any) -> list[Delivery]:
        """Returns the deliveries, oldest first."""
        found = self.webhooks.deliveries(context, DeliveriesQuery(**query))
        assert isinstance(found, Ok)
        return list(reversed(found.value.items))

    def delivery(self, context: Context) -> Delivery:
        """Returns the one delivery."""
        [delivery] = self.deliveries(context)
        return delivery

    def job(self, context: Context, delivery: Delivery) -> Job:
        """Returns the job that makes a delivery."""
        found = self.lab.jobs.get(context, delivery.job_id)
        assert isinstance(found, Ok)
        return found.value

    def make_due(self, delivery: Delivery) -> None:
        """Moves the next try of a delivery to now."""
        self.lab.sql(
            "UPDATE jobs SET run_at = now() WHERE job_id = CAST(:id AS uuid)",
            {"id": delivery.job_id},
        )

    def make(self, context: Context, delivery: Delivery) -> Delivery:
        """Has a worker make the delivery now, whenever it was due; returns what became of it."""
        self.make_due(delivery)
        self.lab.runner()(ticket(self.job(context, delivery)))
        [now] = [d for d in self.deliveries(context) if d.delivery_id == delivery.delivery_id]
        return now

    def age(self, context: Context, message_id: str, age: timedelta) -> None:
        """Makes a message older."""
        with self.lab.database.begin(context) as unit:
            unit.execute(
                "UPDATE webhook_messages SET created_at = now() - :age"
                " WHERE message_id = CAST(:id AS uuid)",
                {"age": age, "id": message_id},
            )
            unit.commit(None)

    def messages(self) -> list[Mapping[str, Any]]:
        """Returns every message of all tenants, oldest first."""
        return self.lab.sql("SELECT * FROM webhook_messages ORDER BY message_id")


def webhook_lab(lab: Lab, settings: Settings) -> WebhookLab:
    """Returns webhooks on the lab's database; their kind is one of the lab's from now on."""
    assert settings.secrets_key is not None
    secrets = SecretBox(settings.secrets_key.get_secret_value())
    registry = CollectorRegistry()
    kind = webhook_kind(settings, secrets, registry)
    lab.kinds[kind.name] = kind
    use_cases = webhooks_use_cases(settings, lab.database, lab.system, secrets)
    return WebhookLab(lab, use_cases, registry)


def verified(received: Received, secret: str) -> Any:
    """Returns the payload as a receiver with the standard library gets it; raises where it lies."""
    return Webhook(secret).verify(received.body, received.headers)
