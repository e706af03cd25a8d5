from __future__ import annotations

import time
from typing import TYPE_CHECKING

import redis

if TYPE_CHECKING:
    from core.context import Context
    from tests.conftest import Databases, Postgres


def test_each_test_starts_with_two_tenants(databases: Databases) -> None:
    with databases.system.begin() as transaction:
        rows = transaction.all("SELECT tenant_id FROM tenants ORDER BY tenant_id")
    assert [row["tenant_id"] for row in rows] == ["acme", "globex"]


def test_a_tenant_sees_only_its_own_row(databases: Databases, acme: Context) -> None:
    rows = databases.app.read(acme, "SELECT tenant_id FROM tenants", {})
    assert [row["tenant_id"] for row in rows] == ["acme"]


def test_a_clone_takes_less_than_a_human_notices(postgres: Postgres) -> None:
    durations = []
    for _ in range(3):
        started = time.perf_counter()
        urls = postgres.create()
        durations.append(time.perf_counter() - started)
        postgres.drop(urls)
    assert min(durations) < 0.2


def test_redis_is_empty(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
