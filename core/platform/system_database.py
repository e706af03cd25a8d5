"""Opens transactions across tenants, for authentication, dispatch and sweeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from core.platform.postgres import (
    Row,
    Transaction,
    driver_of,
    give_back,
    infrastructure_faults,
    rows_of,
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
            give_back(connection)

    def run(self, query: str, parameters: Row) -> list[Row]:
        """Runs one statement as a transaction of its own; `query` uses %(name)s placeholders.

        One round trip: for what is done for every job. Its time limit is that of the role.
        """
        with infrastructure_faults():
            connection = self._engine.raw_connection()
            driver: Any = connection.driver_connection
            try:
                return rows_of(driver, query, parameters)
            finally:
                if driver.closed:
                    # The pool would roll back on it, and complain.
                    connection.invalidate()
                connection.close()

    def dispose(self) -> None:
        """Closes the idle connections."""
        self._engine.dispose()


class SystemTransaction(Transaction):
    """Is one open transaction of the system role."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
