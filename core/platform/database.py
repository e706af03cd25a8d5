"""Opens transactions on Postgres that are bound to one tenant before their first query."""

from __future__ import annotations

import re
import select
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg
from psycopg.rows import dict_row
from sqlalchemy import exc

from core.context import Context, Idempotency
from core.failures import Failure, RefusedError
from core.reasons import Reason
from core.result import Ok

T = TypeVar("T")
Row = Mapping[str, Any]

TENANT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
RETRY_STORE_AFTER_MS = 1_000
LONGEST_STATEMENT_SECONDS = 3_600


class AlreadyAnsweredError(Exception):
    """Leaves a transaction whose idempotency key was answered before; carries that answer."""

    def __init__(self, response: bytes) -> None:
        super().__init__("answered before")
        self.response = response


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
        connect_args={
            "connect_timeout": connect_timeout_seconds,
            "application_name": "howdah",
            "autocommit": True,
            # A dead server is noticed even in the middle of a statement.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
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


class Database:
    """Opens transactions and single reads for one tenant each, as the role that cannot bypass."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def begin(self, context: Context, *, snapshot: bool = False) -> UnitOfWork:
        """Returns a transaction bound to the context's tenant; used with `with`.

        With `snapshot` it only reads, and all its queries see the data of one moment.
        """
        return UnitOfWork(self._engine, context, snapshot=snapshot)

    def read_one(self, context: Context, query: str, parameters: Row) -> Row | None:
        """Returns the first row of one query in one round trip, or None.

        The binding and the query travel as one pipeline, which Postgres runs as one transaction.
        """
        rows = self.read(context, query, parameters)
        return rows[0] if rows else None

    def read(self, context: Context, query: str, parameters: Row) -> list[Row]:
        """Returns the rows of one query in one round trip; `query` uses %(name)s placeholders."""
        context.require_time()
        with infrastructure_faults(), self._engine.connect() as connection:
            driver = driver_of(connection)
            with driver.pipeline():
                driver.execute(BIND, (_tenant(context), _milliseconds(context)))
                cursor = driver.cursor(row_factory=dict_row)
                cursor.execute(query, parameters)
            rows: list[Row] = list(cursor.fetchall())
            return rows

    def dispose(self) -> None:
        """Closes the idle connections."""
        self._engine.dispose()


BIND = "SELECT set_config('app.tenant_id', %s, true), set_config('statement_timeout', %s, true)"


class UnitOfWork:
    """Is one transaction of one tenant. Leaving it without `commit` rolls it back."""

    def __init__(self, engine: sa.Engine, context: Context, *, snapshot: bool = False) -> None:
        self._engine = engine
        self._mode = " ISOLATION LEVEL REPEATABLE READ READ ONLY" if snapshot else ""
        self.context = context
        self._after_commit: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        self.context.require_time()
        tenant = _tenant(self.context)
        milliseconds = _milliseconds(self.context)
        # Values cannot be bound in a combined statement; both are checked to be plain.
        opening = (
            f"BEGIN{self._mode}; SELECT set_config('app.tenant_id', '{tenant}', true), "
            f"set_config('statement_timeout', '{milliseconds}', true), "
            f"set_config('lock_timeout', '{milliseconds}', true)"
        )
        with infrastructure_faults():
            self._connection = self._engine.connect()
        try:
            with infrastructure_faults():
                driver_of(self._connection).execute(opening, prepare=False)
            if self.context.idempotency is not None:
                self._claim(self.context.idempotency)
        except BaseException:
            self._leave()
            raise
        return self

    def execute(
        self, statement: str, parameters: Row | list[Row] | None = None
    ) -> sa.CursorResult[Any]:
        """Runs SQL with :name placeholders; a list of parameters runs it once for each."""
        with infrastructure_faults():
            return self._connection.execute(sa.text(statement), parameters)

    def one(self, statement: str, parameters: Row | None = None) -> Row | None:
        """Returns the first row, or None."""
        row = self.execute(statement, parameters).mappings().first()
        return None if row is None else dict(row)

    def all(self, statement: str, parameters: Row | None = None) -> list[Row]:
        """Returns all rows."""
        return [dict(row) for row in self.execute(statement, parameters).mappings()]

    def stream(
        self, statement: str, parameters: Row | None = None, *, batch: int = 2_000
    ) -> Iterator[Any]:
        """Yields rows through a server-side cursor, so that memory stays flat."""
        with infrastructure_faults():
            result = self._connection.execution_options(
                stream_results=True, yield_per=batch
            ).execute(sa.text(statement), parameters or {})
            yield from result

    def after_commit(self, action: Callable[[], None]) -> None:
        """Has `action` run once the transaction is durable; it must not raise."""
        self._after_commit.append(action)

    def commit(self, value: T) -> Ok[T]:
        """Makes everything durable, with the answer to repeats, and returns it as `Ok`."""
        if self.context.idempotency is not None:
            self._store_answer(self.context.idempotency, self.context.idempotency.encode(value))
        with infrastructure_faults():
            driver_of(self._connection).commit()
        for action in self._after_commit:
            action()
        return Ok(value)

    def keep_answer(self, response: bytes) -> None:
        """Commits just an answer to repeats of the call, without an effect."""
        assert self.context.idempotency is not None
        self._store_answer(self.context.idempotency, response)
        with infrastructure_faults():
            driver_of(self._connection).commit()

    def _store_answer(self, idempotency: Idempotency, response: bytes) -> None:
        self.execute(
            "UPDATE idempotency SET response = :response, completed_at = now()"
            " WHERE tenant_id = :tenant_id AND key_id = :key_id"
            " AND method = :method AND key = :key",
            {**self._key(idempotency), "response": response},
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        # Closing gives the connection back, and the pool rolls back whatever was not committed.
        self._connection.close()

    def _key(self, idempotency: Idempotency) -> dict[str, Any]:
        return {
            "tenant_id": self.context.tenant_id,
            "key_id": self.context.principal.key_id,
            "method": idempotency.method,
            "key": idempotency.key,
        }

    def _claim(self, idempotency: Idempotency) -> None:
        """Takes the key, waiting for a call that holds it; raises where it was answered before.

        The row belongs to this transaction, so a rollback gives the key back by itself.
        """
        key = self._key(idempotency)
        try:
            claimed = self.execute(
                "INSERT INTO idempotency (tenant_id, key_id, method, key, fingerprint)"
                " VALUES (:tenant_id, :key_id, :method, :key, :fingerprint)"
                " ON CONFLICT DO NOTHING",
                {**key, "fingerprint": idempotency.fingerprint},
            ).rowcount
        except RefusedError as refusal:
            if refusal.failure.reason is Reason.DEADLINE_EXCEEDED:
                raise RefusedError(IN_PROGRESS) from refusal
            raise
        if claimed:
            return
        row = self.one(
            "SELECT fingerprint, response FROM idempotency WHERE tenant_id = :tenant_id"
            " AND key_id = :key_id AND method = :method AND key = :key",
            key,
        )
        if row is None or row["response"] is None:
            raise RefusedError(IN_PROGRESS)
        if bytes(row["fingerprint"]) != idempotency.fingerprint:
            raise RefusedError(
                Failure(
                    Reason.IDEMPOTENCY_KEY_REUSED,
                    "The idempotency key was used before with another request.",
                )
            )
        raise AlreadyAnsweredError(bytes(row["response"]))


IN_PROGRESS = Failure(
    Reason.REQUEST_IN_PROGRESS,
    "A call with the same idempotency key is still running.",
    retry_after_ms=500,
)


class SystemDatabase:
    """Opens transactions across tenants, as the role of dispatcher, sweeps and authentication."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @contextmanager
    def begin(self, *, timeout_seconds: float = 10.0) -> Iterator[SystemTransaction]:
        """Yields a transaction that commits at the end and rolls back on an exception."""
        with infrastructure_faults():
            connection = self._engine.connect()
        try:
            with infrastructure_faults():
                milliseconds = int(timeout_seconds * 1000)
                driver_of(connection).execute(
                    f"BEGIN; SELECT set_config('statement_timeout', '{milliseconds}', true)",
                    prepare=False,
                )
            yield SystemTransaction(connection)
            with infrastructure_faults():
                driver_of(connection).commit()
        finally:
            connection.close()

    def dispose(self) -> None:
        """Closes the idle connections."""
        self._engine.dispose()


class SystemTransaction:
    """Is one open transaction of the system role."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def execute(
        self, statement: str, parameters: Row | list[Row] | None = None
    ) -> sa.CursorResult[Any]:
        """Runs SQL with :name placeholders."""
        with infrastructure_faults():
            return self._connection.execute(sa.text(statement), parameters)

    def one(self, statement: str, parameters: Row | None = None) -> Row | None:
        """Returns the first row, or None."""
        row = self.execute(statement, parameters).mappings().first()
        return None if row is None else dict(row)

    def all(self, statement: str, parameters: Row | None = None) -> list[Row]:
        """Returns all rows."""
        return [dict(row) for row in self.execute(statement, parameters).mappings()]


def driver_of(connection: sa.Connection) -> psycopg.Connection[Any]:
    """Returns the psycopg connection under SQLAlchemy's."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        message = f"expected a psycopg connection, not {type(driver)}"
        raise TypeError(message)
    return driver


@contextmanager
def infrastructure_faults() -> Iterator[None]:
    """Turns what an unreachable or slow Postgres raises into a catalogued refusal."""
    try:
        yield
    except (exc.DBAPIError, psycopg.Error) as fault:
        cause = fault.orig if isinstance(fault, exc.DBAPIError) else fault
        if isinstance(cause, pg.QueryCanceled | pg.LockNotAvailable):
            raise RefusedError(
                Failure(Reason.DEADLINE_EXCEEDED, "The deadline passed before the work was done.")
            ) from fault
        if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
            raise RefusedError(STORE_UNAVAILABLE) from fault
        raise
    except exc.TimeoutError as fault:
        raise RefusedError(STORE_UNAVAILABLE) from fault


STORE_UNAVAILABLE = Failure(
    Reason.STORE_UNAVAILABLE,
    "The node cannot reach its database.",
    retry_after_ms=RETRY_STORE_AFTER_MS,
)


def _tenant(context: Context) -> str:
    if not TENANT_ID.fullmatch(context.tenant_id):
        message = "a transaction was opened without a tenant"
        raise RuntimeError(message)
    return context.tenant_id


def _milliseconds(context: Context) -> str:
    return str(max(1, int(min(context.remaining_seconds(), LONGEST_STATEMENT_SECONDS) * 1000)))
