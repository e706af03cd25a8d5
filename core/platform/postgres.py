"""Connects to Postgres, runs statements, and turns its faults into catalogued refusals."""

from __future__ import annotations

import re
import select
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, TypeAlias

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg
from psycopg.rows import dict_row
from sqlalchemy import exc

from core.failures import Failure, RefusedError
from core.reasons import Reason

Row: TypeAlias = Mapping[str, Any]

RETRY_STORE_AFTER_MS = 1_000


def open_engine(url: str, *, pool_size: int, connect_timeout_seconds: int) -> sa.Engine:
    """Returns a pool of connections to Postgres; connects only when first used.

    The driver stays in autocommit mode: a transaction begins with one statement of our own that
    also binds the tenant, so that binding costs no round trip.
    """
    engine = sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=connect_timeout_seconds,
        pool_pre_ping=False,
        pool_use_lifo=True,
        # What a failed statement was given are customers' data; they do not belong in a log.
        hide_parameters=True,
        connect_args={
            "connect_timeout": connect_timeout_seconds,
            "application_name": "howdah",
            "autocommit": True,
            # A dead server is noticed even in the middle of a statement.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,  # milliseconds
        },
    )
    sa.event.listen(engine, "checkout", _replace_if_closed)
    return engine


def _replace_if_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """Has the pool open a new connection where the server closed this one while it was idle.

    An idle connection has nothing to say, so a readable socket means the end: no ping is needed.
    """
    if connection.closed or select.select([connection.fileno()], [], [], 0)[0]:
        raise exc.DisconnectionError


# As SQLAlchemy finds them: a colon before a name, and no cast.
NAMED = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")


@lru_cache(maxsize=1024)
def _for_driver(statement: str) -> str:
    """Returns a statement with :name placeholders as psycopg takes it."""
    return NAMED.sub(r"%(\1)s", statement.replace("%", "%%"))


@lru_cache(maxsize=1024)
def _text(statement: str) -> sa.TextClause:
    """Returns the statement with its placeholders found, which costs more than some statements."""
    return sa.text(statement)


class Transaction:
    """Runs statements on one connection; who opened it says when it ends."""

    _connection: sa.Connection

    def execute(
        self, statement: str, parameters: Row | list[Row] | None = None
    ) -> sa.CursorResult[Any]:
        """Runs SQL with :name placeholders; a list of parameters runs it once for each."""
        with infrastructure_faults():
            return self._connection.execute(_text(statement), parameters)

    def run(self, query: str, parameters: Row) -> list[Row]:
        """Returns the rows of a query with %(name)s placeholders, past SQLAlchemy's own work."""
        with infrastructure_faults():
            return rows_of(driver_of(self._connection), query, parameters)

    def one(self, statement: str, parameters: Row | None = None) -> Row | None:
        """Returns the first row, or None."""
        rows = self.all(statement, parameters)
        return rows[0] if rows else None

    def all(self, statement: str, parameters: Row | None = None) -> list[Row]:
        """Returns all rows."""
        return self.run(_for_driver(statement), parameters or {})


def rows_of(driver: Any, query: str, parameters: Row) -> list[Row]:
    """Runs a query on a psycopg connection and returns all its rows."""
    with driver.cursor(row_factory=dict_row) as cursor:
        cursor.execute(query, parameters)
        rows: list[Row] = cursor.fetchall()
        return rows


def driver_of(connection: sa.Connection) -> psycopg.Connection[Any]:
    """Returns the psycopg connection under SQLAlchemy's."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        message = f"expected a psycopg connection, not {type(driver)}"
        raise TypeError(message)
    return driver


def give_back(connection: sa.Connection) -> None:
    """Gives a connection back to its pool; what was not committed is rolled back. Never raises.

    Where the connection broke in the middle, Postgres has rolled back by itself.
    """
    if not connection.invalidated and driver_of(connection).closed:
        # The driver was used directly, so SQLAlchemy does not know yet and would roll back.
        connection.invalidate()
    with suppress(exc.DBAPIError):
        connection.close()


@contextmanager
def infrastructure_faults() -> Iterator[None]:
    """Turns what an unreachable, slow or contended Postgres raises into a catalogued refusal."""
    try:
        yield
    except (exc.DBAPIError, psycopg.Error) as fault:
        cause = fault.orig if isinstance(fault, exc.DBAPIError) else fault
        if isinstance(cause, pg.QueryCanceled | pg.LockNotAvailable):
            raise RefusedError(
                Failure(Reason.DEADLINE_EXCEEDED, "The deadline passed before the work was done.")
            ) from fault
        if isinstance(cause, pg.DeadlockDetected | pg.SerializationFailure):
            raise RefusedError(STORE_CHOSE_ANOTHER) from fault
        if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
            raise RefusedError(STORE_UNAVAILABLE) from fault
        raise
    except exc.TimeoutError as fault:
        raise RefusedError(STORE_UNAVAILABLE) from fault


def violated(fault: Exception) -> str | None:
    """Returns the constraint or unique index that a statement or a commit broke, or None."""
    cause = fault.orig if isinstance(fault, exc.IntegrityError) else fault
    return cause.diag.constraint_name if isinstance(cause, pg.IntegrityError) else None


STORE_UNAVAILABLE = Failure(
    Reason.STORE_UNAVAILABLE,
    "The node cannot reach its database.",
    retry_after_ms=RETRY_STORE_AFTER_MS,
)
# Two transactions waited for each other, or changed the same: Postgres has undone one of them.
STORE_CHOSE_ANOTHER = Failure(
    Reason.STORE_UNAVAILABLE,
    "The change met another one at the same moment and was undone. It can be repeated.",
    retry_after_ms=RETRY_STORE_AFTER_MS,
)
