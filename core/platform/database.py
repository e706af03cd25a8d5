"""Opens transactions and single reads of one tenant, as the role that cannot bypass."""

from __future__ import annotations

import sqlalchemy as sa
from psycopg.rows import dict_row

from core.context import Context
from core.failures import RefusedError
from core.platform.idempotency import AlreadyAnsweredError
from core.platform.postgres import STORE_UNAVAILABLE, Row, driver_of, infrastructure_faults
from core.platform.unit_of_work import UnitOfWork, milliseconds_of, tenant_of

BIND = "SELECT set_config('app.tenant_id', %s, true), set_config('statement_timeout', %s, true)"


class Database:
    """Opens transactions and single reads for one tenant each, as the role that cannot bypass."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        # Set by who watches the server: while it hangs, calls are refused instead of held.
        self.reachable = True

    def begin(self, context: Context, *, snapshot: bool = False) -> UnitOfWork:
        """Returns a transaction bound to the context's tenant; used with `with`.

        With `snapshot` it only reads, and all its queries see the data of one moment.
        """
        self._require_server()
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
        self._require_server()
        with infrastructure_faults(), self._engine.connect() as connection:
            driver = driver_of(connection)
            with driver.pipeline():
                driver.execute(BIND, (tenant_of(context), milliseconds_of(context)))
                cursor = driver.cursor(row_factory=dict_row)
                cursor.execute(query, parameters)
            rows: list[Row] = list(cursor.fetchall())
            return rows

    def remember_refusal(self, context: Context, response: bytes) -> None:
        """Keeps a refusal that cannot change under the call's idempotency key.

        The refused call has rolled back and has no effect, so this needs no transaction in common.
        """
        try:
            with self.begin(context) as unit:
                unit.keep_answer(response)
        except AlreadyAnsweredError:
            # The same call, sent twice at once, was refused first over there.
            return

    def _require_server(self) -> None:
        if not self.reachable:
            raise RefusedError(STORE_UNAVAILABLE)

    def dispose(self) -> None:
        """Closes the idle connections."""
        self._engine.dispose()
