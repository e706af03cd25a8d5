"""Joins the use cases of webhooks."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from core.config import Settings
from core.jobs.kind import JobKind
from core.platform.database import Database
from core.platform.secrets import SecretBox
from core.platform.system_database import SystemDatabase
from core.webhooks.create_endpoint import CreateEndpoint
from core.webhooks.delete_endpoint import DeleteEndpoint
from core.webhooks.deliver import DeliverWebhook, deliver_kind
from core.webhooks.list_deliveries import ListDeliveries
from core.webhooks.metrics import WebhookMetrics
from core.webhooks.read_endpoints import GetEndpoint, ListEndpoints
from core.webhooks.redeliver import RedeliverMessage, RedeliverRange
from core.webhooks.rotate_secret import RotateSecret
from core.webhooks.send import Sender
from core.webhooks.send_test import SendTestEvent
from core.webhooks.sweep import SweepWebhooks
from core.webhooks.update_endpoint import UpdateEndpoint


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Holds the use cases of this noun."""

    create: CreateEndpoint
    get: GetEndpoint
    list: ListEndpoints
    update: UpdateEndpoint
    delete: DeleteEndpoint
    rotate: RotateSecret
    test: SendTestEvent
    deliveries: ListDeliveries
    redeliver: RedeliverMessage
    redeliver_range: RedeliverRange
    sweep: SweepWebhooks


def webhooks_use_cases(
    settings: Settings, database: Database, system: SystemDatabase, secrets: SecretBox
) -> Webhooks:
    """Joins the use cases with what they need."""
    hosts = settings.webhook_allowed_hosts
    return Webhooks(
        create=CreateEndpoint(database, secrets, hosts, settings.max_webhook_endpoints_per_tenant),
        get=GetEndpoint(database),
        list=ListEndpoints(database),
        update=UpdateEndpoint(database, hosts),
        delete=DeleteEndpoint(database),
        rotate=RotateSecret(database, secrets),
        test=SendTestEvent(database),
        deliveries=ListDeliveries(database),
        redeliver=RedeliverMessage(database),
        redeliver_range=RedeliverRange(database),
        sweep=SweepWebhooks(system, retention_days=settings.webhook_retention_days),
    )


def webhook_kind(settings: Settings, secrets: SecretBox, registry: CollectorRegistry) -> JobKind:
    """Returns the kind of job that makes a delivery."""
    return deliver_kind(
        DeliverWebhook(
            secrets,
            Sender(
                allowed_hosts=settings.webhook_allowed_hosts,
                seconds=settings.webhook_timeout_seconds,
            ),
            WebhookMetrics(registry),
            settings.webhook_disable_after_hours,
        )
    )
