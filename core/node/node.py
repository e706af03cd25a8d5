"""Is the joined node: what the doors are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import redis

from core.analytics.use_cases import Analytics
from core.config import Settings
from core.documents.use_cases import Documents
from core.files.use_cases import Files
from core.jobs.kind import JobKind
from core.jobs.use_cases import Jobs
from core.node.use_cases import NodeUseCases
from core.platform.database import Database
from core.platform.queue import JobQueue
from core.platform.rate_limit import RateLimiter
from core.platform.secrets import SecretBox
from core.platform.storage import Storage
from core.platform.system_database import SystemDatabase
from core.records.use_cases import Records
from core.schedules.use_cases import Schedules
from core.tenants.directory import Directory
from core.tenants.tokens import TokenIssuer
from core.tenants.use_cases import Tenants
from core.webhooks.use_cases import Webhooks


@dataclass(frozen=True)
class Node:
    """Holds what the doors need: the use cases by noun, and what they stand on."""

    settings: Settings
    database: Database
    system: SystemDatabase
    redis: redis.Redis
    rate_limiter: RateLimiter
    queue: JobQueue
    storage: Storage
    directory: Directory
    secrets: SecretBox
    issue_token: TokenIssuer
    kinds: Mapping[str, JobKind]
    tenants: Tenants
    records: Records
    analytics: Analytics
    documents: Documents
    files: Files
    jobs: Jobs
    schedules: Schedules
    webhooks: Webhooks
    node: NodeUseCases
