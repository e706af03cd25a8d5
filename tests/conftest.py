"""Gives tests a real Postgres, cloned from a migrated template per test, and a real Redis."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import psycopg
import pytest
import redis
from sqlalchemy.pool import QueuePool

from core.config import Settings, load_settings
from core.context import Context, Principal
from core.platform.database import Database
from core.platform.embedded import (
    as_role,
    create_database,
    embedded_postgres,
    embedded_redis,
    embedded_secrets_key,
)
from core.platform.migrate import migrate
from core.platform.postgres import open_engine
from core.platform.system_database import SystemDatabase
from tests.servers import eventually

# How long one example takes depends on who else is at the machine.
hypothesis.settings.register_profile("howdah", deadline=None)
hypothesis.settings.load_profile("howdah")

TEMPLATE = "howdah_template"
# A crash of the test server loses nothing that anybody wants back.
FAST = ("fsync = off", "full_page_writes = off", "autovacuum = off", "checkpoint_timeout = '1h'")
TENANTS = (("acme", "Acme", "USD"), ("globex", "Globex", "GBP"))
PERMISSIONS = frozenset(
    f"{noun}.{verb}"
    for noun, verbs in {
        "node": ("read",),
        "records": ("read", "write"),
        "analytics": ("read",),
        "documents": ("read", "write"),
        "jobs": ("read", "submit", "manage"),
        "schedules": ("read", "write"),
        "webhooks": ("read", "write"),
        "files": ("read", "write"),
    }.items()
    for verb in verbs
)


@dataclass(frozen=True)
class DatabaseUrls:
    """Names one database as each of the roles, and as the superuser."""

    admin: str
    app: str
    system: str
    migrator: str


@dataclass(frozen=True)
class Databases:
    """Is one test's own database with the tenants `acme` and `globex` in it."""

    app: Database
    system: SystemDatabase
    urls: DatabaseUrls


@dataclass(frozen=True)
class Postgres:
    """Is the session's server: it clones the template in about 20 ms."""

    admin_url: str
    numbers: Iterator[int]

    def create(self, template: str = TEMPLATE) -> DatabaseUrls:
        """Creates a database; `template1` gives an empty one."""
        name = f"test_{next(self.numbers)}"
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(
                f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'
                " OWNER howdah_owner"
            )
        return DatabaseUrls(
            admin=as_role(self.admin_url, "postgres", name),
            app=as_role(self.admin_url, "howdah_app", name),
            system=as_role(self.admin_url, "howdah_system", name),
            migrator=as_role(self.admin_url, "howdah_migrator", name),
        )

    def drop(self, urls: DatabaseUrls) -> None:
        """Removes a database and ends the connections to it."""
        name = psycopg.conninfo.conninfo_to_dict(urls.admin)["dbname"]
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def server_directory() -> Iterator[Path]:
    # Not under pytest's own folder: the path of a unix socket has to be short.
    directory = Path(tempfile.mkdtemp(prefix="howdah-tests-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(server_directory: Path) -> Iterator[Postgres]:
    with embedded_postgres(server_directory / "postgres") as admin_url:
        with psycopg.connect(admin_url, autocommit=True) as connection:
            for setting in FAST:
                connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")
        create_database(admin_url, TEMPLATE)
        migrate(as_role(admin_url, "howdah_migrator", TEMPLATE))
        with psycopg.connect(as_role(admin_url, "howdah_system", TEMPLATE)) as connection:
            connection.cursor().executemany(
                "INSERT INTO tenants (tenant_id, display_name, time_zone, currency)"
                " VALUES (%s, %s, 'UTC', %s)",
                TENANTS,
            )
        yield Postgres(admin_url, itertools.count(1))


@pytest.fixture
def databases(postgres: Postgres) -> Iterator[Databases]:
    urls = postgres.create()
    app = Database(open_engine(urls.app, pool_size=20, connect_timeout_seconds=3))
    system = SystemDatabase(open_engine(urls.system, pool_size=20, connect_timeout_seconds=3))
    yield Databases(app, system, urls)
    for database in (app, system):
        # A thread that a test no longer waits for may be about to give its connection back.
        pool = database._engine.pool
        assert isinstance(pool, QueuePool)
        eventually(lambda pool=pool: pool.checkedout() == 0)  # type: ignore[misc]
        database.dispose()
    postgres.drop(urls)


@pytest.fixture(scope="session")
def redis_server(server_directory: Path) -> Iterator[str]:
    with embedded_redis(server_directory / "redis") as url:
        yield url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """Names a Redis with nothing in it."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture
def settings(databases: Databases, redis_url: str, tmp_path: Path) -> Settings:
    """Holds the settings of a node on the test's own database; for a process, see `environment`."""
    return load_settings(environment_of(databases.urls, redis_url, tmp_path))


@pytest.fixture
def environment(databases: Databases, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """Holds the HOWDAH_ variables for a process on the test's own database."""
    return environment_of(databases.urls, redis_url, tmp_path)


def environment_of(urls: DatabaseUrls, redis_url: str, data_dir: Path) -> dict[str, str]:
    return {
        "HOWDAH_DATA_DIR": str(data_dir),
        "HOWDAH_DATABASE_URL": urls.app,
        "HOWDAH_SYSTEM_DATABASE_URL": urls.system,
        "HOWDAH_MIGRATOR_DATABASE_URL": urls.migrator,
        "HOWDAH_REDIS_URL": redis_url,
        "HOWDAH_SECRETS_KEY": embedded_secrets_key(data_dir),
        "HOWDAH_GRPC_ADDRESS": "127.0.0.1:0",
        "HOWDAH_ADMIN_ADDRESS": "127.0.0.1:0",
        "HOWDAH_SERVER_PROCESSES": "1",
        "HOWDAH_WORKER_PROCESSES": "1",
    }


@pytest.fixture
def acme() -> Context:
    return context_of("acme")


@pytest.fixture
def globex() -> Context:
    return context_of("globex")


def context_of(tenant_id: str, *, seconds: float = 60.0) -> Context:
    """Returns what a call of the tenant's own key would carry."""
    return Context(
        principal=Principal(
            key_id=f"{tenant_id}-key",
            tenants=frozenset({tenant_id}),
            roles=frozenset({"admin"}),
            permissions=PERMISSIONS,
        ),
        tenant_id=tenant_id,
        correlation_id=str(uuid.uuid4()),
        deadline=time.monotonic() + seconds,
    )
