"""Starts one Postgres and one Redis for all queues, and gives every turn a database of its own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import procrastinate
import psycopg
import redis
from psycopg import sql

from core.platform.embedded import (
    as_role,
    create_database,
    embedded_postgres,
    embedded_redis,
    embedded_secrets_key,
)
from core.platform.migrate import migrate

EMPTY, FULL, PROCRASTINATE = "howdah_empty", "howdah_full", "procrastinate"
FINISHED_JOBS = 1_000_000

INSERT_TENANT = """
INSERT INTO tenants (tenant_id, display_name, time_zone, currency)
VALUES ('acme', 'Acme', 'UTC', 'EUR')
"""
# As a week of work leaves them: what the sweep still keeps.
INSERT_FINISHED = """
INSERT INTO jobs (tenant_id, job_id, kind, queue, state, payload, run_at, attempt, max_attempts,
    epoch, worker_id, result, sequence, key_id, roles, correlation_id, created_at, started_at,
    finished_at)
SELECT 'acme', gen_random_uuid(), 'bench.job', 'default', 'succeeded', '{}', moment, 1, 5,
    1, 'machine-1-0123abcd', '{"rows": 12}', 5, 'bench', '{editor}', gen_random_uuid()::text,
    moment, moment, moment + interval '1 s'
FROM (SELECT now() - random() * interval '6 days' AS moment
    FROM generate_series(1, %(jobs)s)) AS moments
"""


@dataclass(frozen=True)
class Ground:
    """Is what the queues stand on."""

    directory: Path
    admin_url: str
    redis_url: str
    templates: set[str] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @contextmanager
    def fresh(self, template: str) -> Iterator[str]:
        """Yields the name of a new copy of the template; Redis is empty as well."""
        if template not in self.templates:
            create_database(self.admin_url, template)
            _fill(self, template)
            self.templates.add(template)
        name = f"turn_{next(self.numbers)}"
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushall()
        self._execute("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, template)
        # What the copy has left to be written is no cost of a queue.
        self._execute("CHECKPOINT")
        os.sync()
        try:
            yield name
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", name)

    def url(self, role: str, database: str) -> str:
        """Returns the URL of a database as one of the roles."""
        return as_role(self.admin_url, role, database)

    def howdah_environment(self, database: str) -> dict[str, str]:
        """Returns the variables of a node on the database."""
        return {
            "HOWDAH_DATABASE_URL": self.url("howdah_app", database),
            "HOWDAH_SYSTEM_DATABASE_URL": self.url("howdah_system", database),
            "HOWDAH_REDIS_URL": self.redis_url,
            "HOWDAH_SECRETS_KEY": embedded_secrets_key(self.directory),
            "HOWDAH_DATA_DIR": str(self.directory),
            "HOWDAH_LOG_FORMAT": "json",
        }

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def ground(directory: Path) -> Iterator[Ground]:
    """Yields both servers, with nothing in them."""
    with (
        embedded_postgres(directory / "postgres") as admin_url,
        embedded_redis(directory / "redis") as redis_url,
    ):
        yield Ground(directory, admin_url, redis_url)


def _fill(on: Ground, template: str) -> None:
    """Gives the new database the schema and the rows that its copies begin with."""
    if template == PROCRASTINATE:
        connector = procrastinate.SyncPsycopgConnector(conninfo=on.url("postgres", template))
        app = procrastinate.App(connector=connector)
        with app.open():
            app.schema_manager.apply_schema()
        return
    migrate(on.url("howdah_migrator", template))
    with psycopg.connect(on.url("postgres", template), autocommit=True) as connection:
        connection.execute(INSERT_TENANT)
        if template == FULL:
            connection.execute(INSERT_FINISHED, {"jobs": FINISHED_JOBS})
            connection.execute("VACUUM ANALYZE jobs")
