"""Is one transaction of one tenant, bound before its first query."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

import sqlalchemy as sa

from core.context import TENANT_ID, Context
from core.platform import idempotency
from core.platform.postgres import Row, Transaction, driver_of, give_back, infrastructure_faults
from core.result import Ok

T = TypeVar("T")

LONGEST_STATEMENT_SECONDS = 3_600


class UnitOfWork(Transaction):
    """Is one transaction of one tenant. Leaving it without `commit` rolls it back."""

    def __init__(self, engine: sa.Engine, context: Context, *, snapshot: bool = False) -> None:
        self._engine = engine
        self._mode = " ISOLATION LEVEL REPEATABLE READ READ ONLY" if snapshot else ""
        self.context = context
        self._after_commit: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        self.context.require_time()
        tenant = tenant_of(self.context)
        milliseconds = milliseconds_of(self.context)
        # Values cannot be bound in a combined statement; both are checked to be plain.
        opening = (
            f"BEGIN{self._mode}; SELECT set_config('app.tenant_id', '{tenant}', true), "
            f"set_config('statement_timeout', '{milliseconds}', true), "
            # Who waits for a lock in vain is told so while there is time to.
            f"set_config('lock_timeout', '{int(milliseconds) * 4 // 5 + 1}', true)"
        )
        with infrastructure_faults():
            self._connection = self._engine.connect()
        try:
            with infrastructure_faults():
                driver_of(self._connection).execute(opening, prepare=False)
            if self.context.idempotency is not None:
                idempotency.claim(self)
        except BaseException:
            self._leave()
            raise
        return self

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
            idempotency.answer(self, self.context.idempotency.encode(value))
        with infrastructure_faults():
            driver_of(self._connection).commit()
        for action in self._after_commit:
            action()
        return Ok(value)

    def keep_answer(self, response: bytes) -> None:
        """Commits just an answer to repeats of the call, without an effect."""
        idempotency.answer(self, response)
        with infrastructure_faults():
            driver_of(self._connection).commit()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        give_back(self._connection)


def tenant_of(context: Context) -> str:
    """Returns the tenant id, checked; raises RuntimeError where there is none to bind."""
    if not TENANT_ID.fullmatch(context.tenant_id):
        message = "a transaction was opened without a tenant"
        raise RuntimeError(message)
    return context.tenant_id


def milliseconds_of(context: Context) -> str:
    """Returns the time left as Postgres takes it, at least 1."""
    return str(max(1, int(min(context.remaining_seconds(), LONGEST_STATEMENT_SECONDS) * 1000)))
