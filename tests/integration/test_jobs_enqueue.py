"""Submits jobs by `howdah.enqueue`, as an application that shares the Postgres server would."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors, sql

from core.config import Settings
from core.context import Context
from core.jobs.job import JobState
from core.jobs.publish_kinds import PublishKinds
from core.jobs.use_cases import jobs_use_cases
from core.platform.embedded import as_role
from core.platform.signals import JOBS_WAITING
from tests.conftest import Databases
from tests.jobs_lab import PATIENCE_SECONDS, Lab, await_value, echo, open_lab, ticket

ENQUEUE = "SELECT howdah.enqueue(%s, %s, %s, %s)"


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        lab.kind("open", echo, check_payload=lambda _payload: (), queue="bulk", priority="bulk")
        lab.jobs.publish_kinds()
        yield lab


@pytest.fixture
def php(databases: Databases) -> Iterator[psycopg.Connection]:
    """Is a connection as the application's role."""
    with connect(databases) as connection:
        yield connection


def connect(databases: Databases) -> psycopg.Connection:
    urls = databases.urls
    name = psycopg.conninfo.conninfo_to_dict(urls.admin)["dbname"]
    assert isinstance(name, str)
    return psycopg.connect(as_role(urls.admin, "howdah_enqueuer", name))


def enqueue(
    connection: psycopg.Connection,
    kind: str = "open",
    tenant: str = "acme",
    key: str = "order-1",
    payload: Any = None,
) -> str:
    row = connection.execute(ENQUEUE, (kind, tenant, key, json.dumps(payload or {}))).fetchone()
    assert row is not None
    return str(row[0])


def jobs(lab: Lab) -> list[Any]:
    return lab.sql("SELECT * FROM jobs ORDER BY job_id")


def test_the_job_exists_where_the_transaction_commits_and_runs(
    lab: Lab, php: psycopg.Connection, acme: Context
) -> None:
    job_id = enqueue(php, payload={"order": 7})
    assert jobs(lab) == []
    php.commit()

    row = jobs(lab)[0]
    assert str(row["job_id"]) == job_id
    assert (row["queue"], row["priority"], row["max_attempts"]) == ("bulk", "bulk", 5)
    assert UUID(job_id).version == 7
    found = lab.jobs.get(acme, job_id).value  # type: ignore[union-attr]
    lab.runner()(ticket(found))
    ended = lab.get(acme, found)
    assert (ended.state, ended.result) == (JobState.SUCCEEDED, {"order": 7})


def test_a_rollback_leaves_nothing_and_frees_the_key(lab: Lab, php: psycopg.Connection) -> None:
    enqueue(php, payload={"a": 1})
    php.rollback()
    assert jobs(lab) == []

    enqueue(php, payload={"a": 2})
    php.commit()
    assert [row["payload"] for row in jobs(lab)] == [{"a": 2}]


def test_the_dispatchers_hear_of_it_at_the_commit(lab: Lab, php: psycopg.Connection) -> None:
    heard: list[str] = []
    lab.signals.hear(JOBS_WAITING, heard.append)
    assert lab.signals.wait_until_hearing(PATIENCE_SECONDS)

    enqueue(php)
    php.commit()

    await_value(lambda: True if "bulk" in heard else None, lambda: "was not announced")


def test_the_same_key_returns_the_first_job(lab: Lab, php: psycopg.Connection) -> None:
    first = enqueue(php, payload={"a": 1, "b": 2})
    php.commit()

    assert enqueue(php, payload={"b": 2, "a": 1}) == first
    assert enqueue(php, tenant="globex", payload={"a": 1, "b": 2}) != first
    php.commit()
    assert len(jobs(lab)) == 2


def test_of_many_transactions_with_one_key_one_writes(lab: Lab, databases: Databases) -> None:
    start = threading.Barrier(12)

    def one(_number: int) -> str:
        with connect(databases) as connection:
            start.wait()
            return enqueue(connection)

    with ThreadPoolExecutor(12) as pool:
        assert len(set(pool.map(one, range(12)))) == 1
    assert len(jobs(lab)) == 1


@pytest.mark.parametrize(
    ("arguments", "state", "reason"),
    [
        ({"key": "used", "payload": {"a": 2}}, "HW003", "IDEMPOTENCY_KEY_REUSED"),
        ({"tenant": "nobody"}, "HW002", "TENANT_INVALID"),
        ({"tenant": "'; DROP TABLE jobs; --"}, "HW002", "TENANT_INVALID"),
        ({"kind": "echo"}, "HW004", "JOB_KIND_UNKNOWN"),
        ({"kind": "nobody.knows"}, "HW004", "JOB_KIND_UNKNOWN"),
        ({"payload": [1]}, "HW001", "FIELDS_INVALID"),
        ({"payload": {"text": "x" * 70_000}}, "HW001", "FIELDS_INVALID"),
        ({"key": ""}, "HW001", "FIELDS_INVALID"),
        ({"key": "k" * 256}, "HW001", "FIELDS_INVALID"),
        ({"key": "tab\t"}, "HW001", "FIELDS_INVALID"),
        ({"key": None}, "HW001", "FIELDS_INVALID"),
        ({"kind": None}, "HW001", "FIELDS_INVALID"),
        ({"tenant": None}, "HW001", "FIELDS_INVALID"),
    ],
)
def test_what_is_wrong_is_refused_by_a_state_and_a_reason(
    lab: Lab, php: psycopg.Connection, arguments: dict[str, Any], state: str, reason: str
) -> None:
    enqueue(php, key="used", payload={"a": 1})
    php.commit()

    with pytest.raises(psycopg.Error) as refused:
        enqueue(php, **arguments)

    assert (refused.value.sqlstate, refused.value.diag.message_detail) == (state, reason)
    php.rollback()
    assert len(jobs(lab)) == 1


def test_a_full_queue_is_refused(lab: Lab, php: psycopg.Connection) -> None:
    lab.sql("UPDATE job_limits SET max_waiting_jobs_per_tenant = 2")
    for key in ("a", "b"):
        enqueue(php, key=key)
    php.commit()

    with pytest.raises(psycopg.Error) as refused:
        enqueue(php, key="c")

    assert (refused.value.sqlstate, refused.value.diag.message_detail) == (
        "HW005",
        "TENANT_QUEUE_FULL",
    )
    php.rollback()
    enqueue(php, tenant="globex", key="c")


def test_a_job_may_begin_later(lab: Lab, php: psycopg.Connection) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    php.execute("SELECT howdah.enqueue('open', 'acme', 'later', run_at => %s)", (at,))
    php.commit()

    assert [row["run_at"] for row in jobs(lab)] == [at]


@pytest.mark.parametrize("at", ["infinity", "2999-01-01", None])
def test_a_time_that_nobody_means_is_refused(
    lab: Lab, php: psycopg.Connection, at: str | None
) -> None:
    with pytest.raises(psycopg.Error) as refused:
        php.execute("SELECT howdah.enqueue('open', 'acme', 'never', run_at => %s)", (at,))

    assert refused.value.sqlstate == "HW001"
    assert jobs(lab) == []


def test_a_time_that_is_past_does_not_put_a_job_before_those_that_wait(
    lab: Lab, php: psycopg.Connection, acme: Context
) -> None:
    waiting = lab.submit(acme)
    php.execute("SELECT howdah.enqueue('open', 'acme', 'past', run_at => '-infinity')")
    php.commit()

    assert jobs(lab)[-1]["run_at"] > waiting.run_at


def test_the_role_can_do_nothing_else(databases: Databases) -> None:
    with psycopg.connect(databases.urls.admin) as connection:
        tables = [
            row[0]
            for row in connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relkind IN ('r', 'p', 'v', 'm', 'S')"
            )
        ]
        functions = connection.execute(
            "SELECT p.oid::regprocedure::text FROM pg_proc AS p JOIN pg_namespace AS n"
            " ON n.oid = p.pronamespace WHERE n.nspname IN ('public', 'howdah')"
            " AND p.prosecdef AND has_function_privilege('howdah_enqueuer', p.oid, 'EXECUTE')"
        ).fetchall()
        rights = connection.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY (%s) AND has_any_column_privilege("
            "'howdah_enqueuer', oid, 'SELECT, INSERT, UPDATE')",
            (tables,),
        ).fetchall()

    assert len(tables) > 15
    assert rights == []
    assert functions == [("howdah.enqueue(text,text,text,jsonb,timestamp with time zone)",)]
    for table in tables:
        with connect(databases) as connection, pytest.raises(errors.InsufficientPrivilege):
            connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
    for statement in (
        "CREATE TABLE public.mine (a int)",
        "CREATE TABLE howdah.mine (a int)",
        "SELECT howdah.submit_once('open', 'key', '{}', now())",
        "SELECT let_job_go('acme', gen_random_uuid())",
        "SET ROLE howdah_owner",
        "SET ROLE howdah_app",
    ):
        with connect(databases) as connection, pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement)


def test_the_binding_to_a_tenant_ends_with_the_call(lab: Lab, php: psycopg.Connection) -> None:
    php.execute("SELECT set_config('app.tenant_id', 'globex', true)")
    enqueue(php)
    assert php.execute("SELECT current_setting('app.tenant_id')").fetchone() == ("globex",)
    php.commit()
    assert [row["tenant_id"] for row in jobs(lab)] == ["acme"]


def test_a_table_of_the_callers_own_does_not_stand_in_for_ours(
    lab: Lab, php: psycopg.Connection
) -> None:
    php.execute("CREATE TEMPORARY TABLE job_kinds (name text, open boolean)")
    php.execute("INSERT INTO job_kinds VALUES ('nobody.knows', true)")
    php.execute("SET LOCAL search_path = pg_temp, public")

    with pytest.raises(psycopg.Error) as refused:
        enqueue(php, kind="nobody.knows")

    assert refused.value.sqlstate == "HW004"
    assert jobs(lab) == []


def test_the_known_kinds_follow_the_release_and_the_newer_version_stands(
    lab: Lab, settings: Settings
) -> None:
    def known() -> dict[str, Any]:
        rows = lab.sql("SELECT * FROM job_kinds WHERE name = 'open'")
        return dict(rows[0])

    assert (known()["version"], known()["open"]) == (1, True)
    newer = {**lab.kinds, "open": replace(lab.kinds["open"], version=2, queue="default")}
    older = lab.kinds
    for kinds in (newer, older):
        publish(lab, settings, kinds)

    assert (known()["version"], known()["queue"]) == (2, "default")


def publish(lab: Lab, settings: Settings, kinds: Any) -> None:
    jobs = jobs_use_cases(settings, lab.database, lab.system, lab.queue, lab.signals, kinds)
    assert isinstance(jobs.publish_kinds, PublishKinds)
    jobs.publish_kinds()
