"""Joins the interceptors to the chain that every call passes, once per method.

They are no `grpc.ServerInterceptor`s: grpcio runs those for each call on its one serving thread.
Here each takes a method and the next handler and returns a handler, when the server is built; all
of it runs in the pool thread of the call.
"""

from __future__ import annotations

from dataclasses import dataclass

from server.call import Handler, Interceptor
from server.interceptors.authentication import Authentication
from server.interceptors.correlation import correlate
from server.interceptors.deadline import set_deadline
from server.interceptors.errors import bound_errors
from server.interceptors.idempotency import AnswerOnce
from server.interceptors.observation import Observation
from server.interceptors.rate_limit import RateLimiting
from server.interceptors.streams import StreamLimit
from server.interceptors.tenancy import Tenancy
from server.interceptors.tracing import Tracing
from server.interceptors.validation import Validation
from server.method import RpcMethod


@dataclass(frozen=True, slots=True)
class Chain:
    """Is the interceptors, the outermost first."""

    interceptors: tuple[Interceptor, ...]

    def compose(self, method: RpcMethod, handler: Handler) -> Handler:
        """Returns the handler behind all interceptors."""
        for interceptor in reversed(self.interceptors):
            handler = interceptor(method, handler)
        return handler


def chain(
    *,
    observation: Observation,
    authentication: Authentication,
    tenancy: Tenancy,
    rate_limiting: RateLimiting,
    stream_limit: StreamLimit,
    validation: Validation,
    answer_once: AnswerOnce,
    tracing: Tracing | None = None,
) -> Chain:
    """Returns the chain. The order is the point; each line says why it stands there.

    Outside of it stands the router (server/handlers.py): a node that drains or is full turns a call
    away before it takes a thread.
    """
    return Chain(
        (
            observation,  # refusals and bugs are timed, counted and logged too
            correlate,  # before anything can fail, so that every failure carries the id
            *([tracing] if tracing is not None else []),  # needs the caller's trace
            bound_errors,  # whatever is raised below becomes a status here
            set_deadline,  # a call nobody waits for any more is dropped unrun
            authentication,  # nothing below runs for strangers
            tenancy,  # which tenant, and may this caller do this there
            rate_limiting,  # only proven callers use up a tenant's calls
            stream_limit,  # and its streams
            validation,  # parses: costs more than all checks above
            answer_once,  # innermost: only a valid call takes its idempotency key
        )
    )
