"""Is a gRPC channel for the generated stubs that signs every attempt and tries again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeAlias

import grpc

from howdah_client.error import HowdahError, explained
from howdah_client.signing import Credential, signed_metadata

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

FIRST_BACKOFF_SECONDS = 0.05
LONGEST_BACKOFF_SECONDS = 2.0
CORRELATION = "x-correlation-id"

Metadata: TypeAlias = Sequence[tuple[str, str | bytes]]


@dataclass(frozen=True, slots=True)
class Policy:
    """Says who signs for whom, and how often an unreachable node is tried."""

    credential: Credential
    tenant: str
    audience: str
    attempts: int


def connect(
    address: str,
    credential: Credential,
    *,
    tenant: str = "",
    audience: str = "howdah",
    attempts: int = 4,
    tls: grpc.ChannelCredentials | None = None,
    tracer_provider: TracerProvider | None = None,
) -> SignedChannel:
    """Returns a channel to `host:port` or `unix:/path` to hand to a generated stub.

    A call the node could not take (`UNAVAILABLE`) is signed and sent again, up to `attempts` times
    in all and within its timeout; give a request that must not take effect twice an
    `idempotency_key`. Calls raise `HowdahError`. With a `tracer_provider`, each attempt is a span
    that the node's own joins; that needs `opentelemetry-instrumentation-grpc`.
    """
    options = (
        # gRPC's own retries would send the same nonce again.
        ("grpc.enable_retries", 0),
        # A node that comes back is noticed within a second.
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.initial_reconnect_backoff_ms", 100),
    )
    raw = (
        grpc.insecure_channel(address, options)
        if tls is None
        else grpc.secure_channel(address, tls, options)
    )
    if tracer_provider is not None:
        # Only callers that trace need the library.
        from opentelemetry.instrumentation.grpc import client_interceptor  # noqa: PLC0415
        from opentelemetry.instrumentation.grpc.grpcext import intercept_channel  # noqa: PLC0415

        # The library types neither.
        raw = intercept_channel(  # type: ignore[no-untyped-call]
            raw,
            client_interceptor(tracer_provider=tracer_provider),  # type: ignore[no-untyped-call]
        )
    return SignedChannel(raw, Policy(credential, tenant, audience, attempts))


class SignedChannel(grpc.Channel):
    """Serialises a request once, signs those bytes, and sends those bytes."""

    def __init__(self, raw: grpc.Channel, policy: Policy) -> None:
        self.raw = raw
        self.policy = policy

    def for_tenant(self, tenant: str) -> SignedChannel:
        """Returns a channel on the same connection for another tenant."""
        policy = self.policy
        return SignedChannel(
            self.raw, Policy(policy.credential, tenant, policy.audience, policy.attempts)
        )

    def unary_unary(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: bool | None = False,  # noqa: FBT001, FBT002 - grpc's own signature.
    ) -> Any:
        """Returns the callable of one method, as stubs ask for it."""
        send: Any = self.raw.unary_unary(method, None, response_deserializer)

        def call(
            request: Any, timeout: float | None = None, metadata: Metadata | None = None, **_: Any
        ) -> Any:
            body = request_serializer(request)
            for attempt in Attempts(self.policy, timeout):
                try:
                    return send(
                        body,
                        timeout=attempt.left(),
                        metadata=self._sign(method, body, metadata),
                    )
                except grpc.RpcError as fault:
                    attempt.failed(fault)
            raise AssertionError("the last attempt raises")

        return call

    def unary_stream(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: bool | None = False,  # noqa: FBT001, FBT002 - grpc's own signature.
    ) -> Any:
        """Returns the callable of one streaming method; what it returns can be `cancel`led."""
        send: Any = self.raw.unary_stream(method, None, response_deserializer)

        def call(
            request: Any, timeout: float | None = None, metadata: Metadata | None = None, **_: Any
        ) -> SignedStream:
            body = request_serializer(request)
            return SignedStream(
                lambda left: send(body, timeout=left, metadata=self._sign(method, body, metadata)),
                Attempts(self.policy, timeout),
            )

        return call

    def _sign(self, method: str, body: bytes, metadata: Metadata | None) -> Metadata:
        given = [(name, value) for name, value in metadata or () if name != CORRELATION]
        correlation = next((str(v) for name, v in metadata or () if name == CORRELATION), "")
        signed = signed_metadata(
            self.policy.credential,
            method,
            body,
            tenant=self.policy.tenant,
            correlation_id=correlation,
            audience=self.policy.audience,
        )
        return [*given, *signed]

    def stream_unary(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuses: the contract has no client streams, as they could not be signed."""
        raise NotImplementedError

    def stream_stream(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuses: see `stream_unary`."""
        raise NotImplementedError

    def subscribe(self, callback: Any, try_to_connect: bool = False) -> None:  # noqa: FBT001, FBT002
        """Tells `callback` about the state of the connection."""
        self.raw.subscribe(callback, try_to_connect)

    def unsubscribe(self, callback: Any) -> None:
        """Ends `subscribe`."""
        self.raw.unsubscribe(callback)

    def close(self) -> None:
        """Closes the connection, of every tenant's channel on it."""
        self.raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Attempts:
    """Counts the attempts of one call, and waits between them."""

    def __init__(self, policy: Policy, timeout: float | None) -> None:
        self._last = policy.attempts
        self._made = 0
        self._deadline = None if timeout is None else time.monotonic() + timeout

    def __iter__(self) -> Iterator[Attempts]:
        """Yields itself until `failed` raises."""
        while True:
            self._made += 1
            yield self

    def left(self) -> float | None:
        """Returns the time this attempt has."""
        return None if self._deadline is None else max(0.001, self._deadline - time.monotonic())

    def failed(self, fault: grpc.RpcError) -> None:
        """Waits before the next attempt, or raises where there is none."""
        error = explained(fault)
        if error.code() is not grpc.StatusCode.UNAVAILABLE or self._made >= self._last:
            raise error from fault
        longest = min(FIRST_BACKOFF_SECONDS * 2.0**self._made, LONGEST_BACKOFF_SECONDS)
        # Jitter, so that callers who failed together do not come back together.
        pause = max(error.retry_after_seconds, random.uniform(longest / 2, longest))
        if self._deadline is not None and time.monotonic() + pause >= self._deadline:
            raise error from fault
        time.sleep(pause)


class SignedStream:
    """Iterates over the answers; begins again only while there was none yet."""

    def __init__(self, begin: Callable[[float | None], Any], attempts: Attempts) -> None:
        self._begin = begin
        self._attempts = iter(attempts)
        self._attempt = next(self._attempts)
        self._answers = begin(attempts.left())
        self._begun = False

    def __iter__(self) -> SignedStream:
        return self

    def __next__(self) -> Any:
        """Returns the next answer; raises HowdahError."""
        while True:
            try:
                answer = next(self._answers)
            except grpc.RpcError as fault:
                if self._begun:
                    raise explained(fault) from fault
                self._attempt.failed(fault)
                self._attempt = next(self._attempts)
                self._answers = self._begin(self._attempt.left())
            else:
                self._begun = True
                return answer

    def cancel(self) -> None:
        """Ends the call; the node stops sending."""
        self._answers.cancel()


__all__ = ["HowdahError", "SignedChannel", "connect"]
