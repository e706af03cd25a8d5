from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import errors as pg

from core.context import Context
from core.failures import RefusedError
from core.platform.postgres import STORE_CHOSE_ANOTHER, infrastructure_faults
from core.reasons import Reason
from tests.conftest import Databases

THE_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def break_connections(databases: Databases) -> None:
    with psycopg.connect(databases.urls.admin, autocommit=True) as connection:
        connection.execute(THE_OTHERS)


def test_a_commit_that_finds_its_connection_broken_is_refused(
    databases: Databases, acme: Context
) -> None:
    def write() -> None:
        with databases.app.begin(acme) as unit:
            unit.execute("SELECT 1")
            break_connections(databases)
            unit.commit(None)

    with pytest.raises(RefusedError) as refused:
        write()

    assert refused.value.failure.reason is Reason.STORE_UNAVAILABLE
    with databases.app.begin(acme) as unit:
        assert unit.one("SELECT 1 AS one") == {"one": 1}


def test_a_transaction_that_is_left_without_commit_does_not_mind_a_broken_connection(
    databases: Databases, acme: Context
) -> None:
    with databases.app.begin(acme) as unit:
        unit.execute("SELECT 1")
        break_connections(databases)
    with databases.app.begin(acme) as unit:
        assert unit.one("SELECT 1 AS one") == {"one": 1}


def test_a_commit_of_the_system_that_finds_its_connection_broken_is_refused(
    databases: Databases,
) -> None:
    def write() -> None:
        with databases.system.begin() as transaction:
            transaction.execute("SELECT 1")
            break_connections(databases)

    with pytest.raises(RefusedError) as refused:
        write()

    assert refused.value.failure.reason is Reason.STORE_UNAVAILABLE
    with databases.system.begin() as transaction:
        assert transaction.one("SELECT 1 AS one") == {"one": 1}


def test_of_two_transactions_that_wait_for_each_other_one_is_told_to_repeat(
    databases: Databases,
) -> None:
    both_hold_one = threading.Barrier(2, timeout=30)

    def lock(first: int, second: int) -> RefusedError | None:
        try:
            with databases.system.begin() as transaction:
                transaction.all("SELECT pg_advisory_xact_lock(:key)", {"key": first})
                both_hold_one.wait()
                transaction.all("SELECT pg_advisory_xact_lock(:key)", {"key": second})
        except RefusedError as refusal:
            return refusal
        return None

    with ThreadPoolExecutor(2) as threads:
        refusals = [each for each in threads.map(lock, (1, 2), (2, 1)) if each is not None]
    (refusal,) = refusals
    assert refusal.failure == STORE_CHOSE_ANOTHER
    assert refusal.failure.reason.retryable
    assert "reach" not in refusal.failure.message


def test_a_transaction_that_cannot_be_put_in_order_with_another_is_told_to_repeat() -> None:
    with pytest.raises(RefusedError) as refused, infrastructure_faults():
        raise pg.SerializationFailure
    assert refused.value.failure == STORE_CHOSE_ANOTHER
