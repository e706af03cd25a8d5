"""Joins the node: opens what it stands on, in order, and closes it in reverse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version

import sqlalchemy as sa
from pydantic import SecretStr

from core.analytics.use_cases import analytics_use_cases
from core.config import Settings
from core.documents.use_cases import documents_use_cases, workbook_kind
from core.files.use_cases import files_use_cases
from core.jobs.use_cases import jobs_use_cases
from core.node.node import Node
from core.node.use_cases import node_use_cases
from core.platform.database import Database
from core.platform.local_storage import LocalStorage
from core.platform.postgres import open_engine
from core.platform.queue import JobQueue
from core.platform.rate_limit import RateLimiter
from core.platform.redis_client import open_redis
from core.platform.secrets import SecretBox
from core.platform.signals import JobSignals
from core.platform.system_database import SystemDatabase
from core.platform.telemetry import new_registry
from core.records.use_cases import import_kind, records_use_cases
from core.schedules.use_cases import schedules_use_cases
from core.tenants.directory import Directory
from core.tenants.tokens import TokenIssuer
from core.tenants.use_cases import tenants_use_cases
from core.webhooks.use_cases import webhook_kind, webhooks_use_cases

LEASE_TIMEOUT_SECONDS = 0.1


@contextmanager
def open_node(settings: Settings) -> Iterator[Node]:
    """Yields the joined node; what was opened is closed again, also when start-up fails.

    Nothing is reached yet: Postgres and Redis are connected to when they are first used.
    """
    with ExitStack() as opened:
        database = Database(_engine(opened, settings, settings.database_url))
        system = SystemDatabase(_engine(opened, settings, settings.system_database_url))
        client = open_redis(_secret(settings.redis_url), settings.redis_timeout_seconds)
        opened.callback(client.close)
        secrets = SecretBox(_secret(settings.secrets_key))
        storage = LocalStorage(settings.data_dir / "files")
        signals = JobSignals(_secret(settings.system_database_url))
        opened.callback(signals.close)
        queue = JobQueue(client)

        files = files_use_cases(settings, database, system, storage)
        kinds = {
            kind.name: kind
            for kind in (
                import_kind(files),
                workbook_kind(database, files),
                webhook_kind(settings, secrets, new_registry()),
            )
        }
        jobs = jobs_use_cases(settings, database, system, queue, signals, kinds)
        yield Node(
            settings=settings,
            database=database,
            system=system,
            redis=client,
            rate_limiter=_rate_limiter(opened, settings),
            queue=queue,
            storage=storage,
            directory=Directory(system, secrets, settings.credential_cache_seconds),
            secrets=secrets,
            issue_token=TokenIssuer(
                system, secrets, settings.audience, settings.token_lifetime_seconds
            ),
            kinds=kinds,
            tenants=tenants_use_cases(system, secrets),
            records=records_use_cases(database, jobs.submit),
            analytics=analytics_use_cases(database),
            documents=documents_use_cases(database, jobs.submit),
            files=files,
            jobs=jobs,
            schedules=schedules_use_cases(settings, database, system, kinds, jobs.submit),
            webhooks=webhooks_use_cases(settings, database, system, secrets),
            node=node_use_cases(version("howdah"), settings, kinds),
        )


def _rate_limiter(opened: ExitStack, settings: Settings) -> RateLimiter:
    # A client of its own that gives up soon: calls wait for the lease of their tenant.
    client = open_redis(_secret(settings.redis_url), LEASE_TIMEOUT_SECONDS)
    opened.callback(client.close)
    return RateLimiter(
        client,
        settings.audience,
        settings.rate_limit_calls_per_second,
        settings.rate_limit_burst_calls,
    )


def _engine(opened: ExitStack, settings: Settings, url: SecretStr | None) -> sa.Engine:
    engine = open_engine(
        _secret(url),
        pool_size=settings.database_pool_size,
        connect_timeout_seconds=settings.database_connect_timeout_seconds,
    )
    opened.callback(engine.dispose)
    return engine


def _secret(value: SecretStr | None) -> str:
    if value is None:
        raise ValueError("the node needs its database, Redis and secrets key: see `howdah config`")
    return value.get_secret_value()
