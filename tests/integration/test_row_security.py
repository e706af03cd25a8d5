"""Asks Postgres itself whether tenants are kept apart, and tries to get around it."""

from __future__ import annotations

import dataclasses

import psycopg
import pytest
from psycopg import errors, sql

from core.context import Context
from core.failures import RefusedError
from core.reasons import Reason
from tests.conftest import Databases, context_of

BOUND = "(tenant_id = ( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)"
# Tables of the node as a whole, which no tenant's call can read.
NODE_TABLES = {
    "credentials",
    "issuer_keys",
    "workers",
    "howdah_migration",
    "job_kinds",
    "job_limits",
}

TENANT_TABLES = """
    SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
       AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
                    AND a.attname = 'tenant_id' AND NOT a.attisdropped)
"""


def tenant_tables(connection: psycopg.Connection) -> list[str]:
    return [row[0] for row in connection.execute(TENANT_TABLES)]


def test_every_table_with_a_tenant_has_forced_row_security(databases: Databases) -> None:
    with psycopg.connect(databases.urls.admin) as connection:
        rows = connection.execute(TENANT_TABLES).fetchall()

    assert len(rows) >= 8
    assert [row for row in rows if not (row[1] and row[2])] == []


def test_every_tenant_table_has_the_one_policy_for_the_app_role(databases: Databases) -> None:
    with psycopg.connect(databases.urls.admin) as connection:
        for table in tenant_tables(connection):
            policies = connection.execute(
                "SELECT permissive, cmd, qual, with_check FROM pg_policies"
                " WHERE tablename = %s AND 'howdah_app' = ANY (roles)",
                (table,),
            ).fetchall()
            assert len(policies) == 1, table
            _, command, using, check = policies[0]
            assert command == "ALL", table
            assert using.startswith(BOUND), table
            assert check.startswith(BOUND), table


def test_no_policy_speaks_to_everybody(databases: Databases) -> None:
    with psycopg.connect(databases.urls.admin) as connection:
        roles = connection.execute("SELECT DISTINCT unnest(roles) FROM pg_policies").fetchall()

    # The owner's are for howdah.enqueue, and bound to a tenant like the app role's.
    assert {row[0] for row in roles} == {"howdah_app", "howdah_system", "howdah_owner"}


def test_the_owner_too_is_bound_to_a_tenant(databases: Databases) -> None:
    with psycopg.connect(databases.urls.admin) as connection:
        rows = connection.execute(
            "SELECT qual, with_check FROM pg_policies WHERE 'howdah_owner' = ANY (roles)"
        ).fetchall()

    assert rows
    assert all(using.startswith(BOUND) and check.startswith(BOUND) for using, check in rows)


def test_every_table_is_a_tenants_or_named_as_the_nodes(databases: Databases) -> None:
    with psycopg.connect(databases.urls.admin) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p', 'm', 'v')"
        ).fetchall()
        kept_apart = set(tenant_tables(connection))

    assert {row[0] for row in tables} == kept_apart | NODE_TABLES


def test_the_app_role_cannot_bypass(databases: Databases) -> None:
    with psycopg.connect(databases.urls.admin) as connection:
        flags = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"
            " WHERE rolname LIKE 'howdah_%'"
        ).fetchall()
        members = connection.execute(
            "SELECT count(*) FROM pg_auth_members WHERE member IN"
            " ('howdah_app'::regrole, 'howdah_system'::regrole)"
        ).fetchone()
        owned = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relowner IN"
            " ('howdah_app'::regrole, 'howdah_system'::regrole)"
        ).fetchone()

    assert len(flags) == 5
    assert not any(any(row[1:]) for row in flags)
    assert members == (0,)
    assert owned == (0,)


def test_keys_and_indexes_of_tenant_tables_lead_with_the_tenant(databases: Databases) -> None:
    # What the dispatcher, the rescue and the sweeps look through across tenants.
    across = {
        "jobs_waiting",
        "jobs_expiring",
        "jobs_dispatched",
        "jobs_leased",
        "jobs_finished",
        "schedules_due",
        "schedule_fires_by_age",
        "batches_finished",
        "files_by_expiry",
        "idempotency_by_age",
        "webhook_messages_by_age",
    }
    with psycopg.connect(databases.urls.admin) as connection:
        rows = connection.execute(
            "SELECT i.relname, a.attname FROM pg_index x"
            " JOIN pg_class i ON i.oid = x.indexrelid"
            " JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]"
            " WHERE x.indrelid = ANY (%s::regclass[])",
            (tenant_tables(connection),),
        ).fetchall()

    assert {name for name, column in rows if column != "tenant_id"} <= across


@pytest.mark.parametrize("table", sorted(NODE_TABLES - {"howdah_migration"}))
def test_the_app_role_cannot_read_the_nodes_tables(databases: Databases, table: str) -> None:
    with (
        psycopg.connect(databases.urls.app) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))


def test_without_a_tenant_nothing_is_seen_and_nothing_is_written(databases: Databases) -> None:
    with psycopg.connect(databases.urls.app, autocommit=True) as connection:
        for table in tenant_tables(connection):
            count = connection.execute(
                sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            ).fetchone()
            assert count == (0,), table
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("INSERT INTO products (tenant_id, sku) VALUES ('acme', 'x')")


def test_a_transaction_without_a_tenant_does_not_begin(databases: Databases, acme: Context) -> None:
    nobody = dataclasses.replace(acme, tenant_id="")

    with pytest.raises(RuntimeError, match="without a tenant"), databases.app.begin(nobody):
        pass
    with pytest.raises(RuntimeError, match="without a tenant"):
        databases.app.read_one(nobody, "SELECT 1", {})


@pytest.mark.parametrize("tenant_id", ["a'; RESET app.tenant_id; --", "A", "a" * 64, "acme\n"])
def test_a_tenant_id_that_could_break_out_of_the_statement_does_not_begin(
    databases: Databases, acme: Context, tenant_id: str
) -> None:
    bad = dataclasses.replace(acme, tenant_id=tenant_id)

    with pytest.raises(RuntimeError, match="without a tenant"), databases.app.begin(bad):
        pass


def test_a_tenant_cannot_write_read_or_move_rows_of_another(databases: Databases) -> None:
    with databases.app.begin(context_of("acme")) as unit:
        unit.execute("INSERT INTO products (tenant_id, sku) VALUES ('acme', 'mine')")
        unit.commit(None)

    for statement in (
        "INSERT INTO products (tenant_id, sku) VALUES ('globex', 'theirs')",
        "UPDATE products SET tenant_id = 'globex' WHERE sku = 'mine'",
    ):
        with (
            pytest.raises(Exception, match="row-level security"),
            databases.app.begin(context_of("acme")) as unit,
        ):
            unit.execute(statement)
    with databases.app.begin(context_of("globex")) as unit:
        assert unit.all("SELECT * FROM products") == []
        assert unit.execute("DELETE FROM products").rowcount == 0
        assert unit.execute("UPDATE products SET name = 'x'").rowcount == 0


def test_a_connection_given_back_remembers_no_tenant(databases: Databases, acme: Context) -> None:
    with databases.app.begin(acme) as unit:
        unit.execute("INSERT INTO products (tenant_id, sku) VALUES ('acme', 'mine')")
        unit.commit(None)
    assert databases.app.read_one(acme, "SELECT 1 AS one FROM products", {}) == {"one": 1}
    with pytest.raises(Exception, match="division"):
        databases.app.read_one(acme, "SELECT 1/0", {})

    raw = databases.app._engine
    with raw.connect() as connection:
        bound = connection.exec_driver_sql("SELECT current_setting('app.tenant_id', true)")
        assert bound.scalar() in (None, "")
        assert connection.exec_driver_sql("SELECT count(*) FROM products").scalar() == 0


def test_a_slow_statement_ends_with_the_deadline(databases: Databases) -> None:
    def in_a_transaction() -> None:
        with databases.app.begin(context_of("acme", seconds=0.2)) as unit:
            unit.execute("SELECT pg_sleep(5)")

    def alone() -> None:
        databases.app.read_one(context_of("acme", seconds=0.2), "SELECT pg_sleep(5)", {})

    for attempt in (alone, in_a_transaction):
        with pytest.raises(RefusedError) as refusal:
            attempt()
        assert refusal.value.failure.reason is Reason.DEADLINE_EXCEEDED


def test_a_connection_that_the_server_closed_is_replaced(
    databases: Databases, acme: Context
) -> None:
    assert databases.app.read_one(acme, "SELECT 1 AS one", {}) == {"one": 1}
    with psycopg.connect(databases.urls.admin, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE usename = 'howdah_app' AND datname = current_database()"
        )

    assert databases.app.read_one(acme, "SELECT 1 AS one", {}) == {"one": 1}
