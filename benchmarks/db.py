"""Measures one tenant-bound row read against the same read without tenant binding.

Both go through SQLAlchemy's pool to one embedded Postgres, in one process, in turns. The bound one
is the node's own: `Database.read_one` as the role that row-level security applies to. The unbound
one is the same query as the superuser, whom it does not: a program that trusts its own WHERE.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from psycopg.rows import dict_row

from benchmarks.neighbours import wait_for_quiet
from benchmarks.results import Found, Spread, spread
from core.context import Context
from core.platform.database import Database
from core.platform.embedded import DATABASE, as_role, create_database, embedded_postgres
from core.platform.migrate import migrate
from core.platform.postgres import driver_of, open_engine
from core.records import customer_store
from core.records.customer import Customer
from core.tenants.credential import principal

TENANT = "acme"
CUSTOMERS = 2_000
READS_PER_TURN = 500
PATIENCE_SECONDS = 30.0
NEVER = float("inf")  # no deadline: the binding sets the longest statement timeout instead
QUERY = "SELECT * FROM customers WHERE tenant_id = %(tenant_id)s AND external_id = %(external_id)s"

Read = Callable[[str], Any]


def measure(*, rounds: int, seconds: float) -> Found:
    """Reads in turns; a ratio is taken between the medians of one round."""
    cores = os.sched_getaffinity(0)
    try:
        apart = _rounds(rounds, seconds)
        # Postgres inherits it. Without wake-ups across cores, which cost both the same, a read
        # is shorter and the difference shows more.
        os.sched_setaffinity(0, {min(cores)})
        together = _rounds(rounds, seconds)
    finally:
        os.sched_setaffinity(0, cores)
    figures: dict[str, Any] = {"rounds": rounds, "seconds_per_round": seconds, "rows": CUSTOMERS}
    for suffix, seen in (("", apart), ("_one_core", together)):
        for name in seen[0]:
            figures[f"{name}{suffix}_us"] = spread([one[name] * 1e6 for one in seen])
    return Found(
        {
            "bound_over_unbound_latency": _ratio(apart),
            "bound_over_unbound_latency_one_core": _ratio(together),
        },
        figures,
    )


def _ratio(seen: list[dict[str, float]]) -> Spread:
    return spread([one["bound"] / one["unbound"] for one in seen])


def _rounds(rounds: int, seconds: float) -> list[dict[str, float]]:
    with (
        tempfile.TemporaryDirectory(prefix="howdah-bench-") as directory,
        embedded_postgres(Path(directory)) as admin_url,
        _reads(admin_url) as reads,
    ):
        _round(reads, seconds / 4)
        return [_round(reads, seconds) for _ in range(rounds)]


@contextmanager
def _reads(admin_url: str) -> Iterator[dict[str, Read]]:
    create_database(admin_url, DATABASE)
    migrate(as_role(admin_url, "howdah_migrator", DATABASE))
    superuser = sa.make_url(admin_url).set(database=DATABASE)
    engine = open_engine(
        superuser.render_as_string(hide_password=False), pool_size=1, connect_timeout_seconds=5
    )
    database = Database(
        open_engine(
            as_role(admin_url, "howdah_app", DATABASE), pool_size=1, connect_timeout_seconds=5
        )
    )
    with engine.connect() as connection:
        driver_of(connection).execute(
            "INSERT INTO tenants (tenant_id, display_name, time_zone, currency)"
            " VALUES (%s, 'Acme', 'UTC', 'EUR')",
            (TENANT,),
        )
    context = Context(principal("bench", [TENANT], ["editor"]), TENANT, "", NEVER)
    with database.begin(context) as unit:
        customer_store.upsert(unit, [Customer(external_id=str(n)) for n in range(CUSTOMERS)])
        unit.commit(None)
    try:
        yield {
            "bound": lambda external_id: database.read_one(
                context, QUERY, {"tenant_id": TENANT, "external_id": external_id}
            ),
            "unbound": lambda external_id: _read_unbound(engine, external_id),
        }
    finally:
        database.dispose()
        engine.dispose()


def _read_unbound(engine: sa.Engine, external_id: str) -> Any:
    with engine.connect() as connection:
        cursor = driver_of(connection).cursor(row_factory=dict_row)
        cursor.execute(QUERY, {"tenant_id": TENANT, "external_id": external_id})
        return cursor.fetchone()


def _round(reads: dict[str, Read], seconds: float) -> dict[str, float]:
    wait_for_quiet(PATIENCE_SECONDS)
    latencies: dict[str, list[float]] = {name: [] for name in reads}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name in random.sample(list(reads), len(reads)):
            latencies[name] += _turn(reads[name])
    return {name: statistics.median(found) for name, found in latencies.items()}


def _turn(read: Read) -> Iterator[float]:
    for _ in range(READS_PER_TURN):
        external_id = str(random.randrange(CUSTOMERS))
        started = time.perf_counter()
        row = read(external_id)
        yield time.perf_counter() - started
        if row is None or row["external_id"] != external_id:
            raise RuntimeError("a read returned another row than it was asked for")
