"""Serves a whole node in this process, and calls it as PHP would: signed bytes over a channel."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from prometheus_client import CollectorRegistry

from core.bootstrap import open_node
from core.config import Settings, load_settings
from core.node.node import Node
from core.result import Ok
from core.tenants.create_credential import NewCredential
from core.tenants.signing import SignedCall, sign
from server.app import Application, build_server
from tests.conftest import DatabaseUrls, Postgres, context_of, environment_of

DEADLINE_SECONDS = 20.0
ROLES = ("viewer", "editor", "admin", "operator")


@dataclass(frozen=True)
class Key:
    """Is a credential with its secret."""

    key_id: str
    secret: bytes


@dataclass(frozen=True)
class Answer:
    """Is what came back: the messages, or the status with its details."""

    code: str
    messages: tuple[bytes, ...] = ()
    message: str = ""
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    retry_after_ms: int = 0
    initial: Mapping[str, str] = field(default_factory=dict)
    trailing: Mapping[str, str | bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Caller:
    """Calls with one key for one tenant; `changed` gives variations of it."""

    channel: grpc.Channel
    key: Key
    tenant_id: str = ""
    audience: str = "howdah"
    roles: frozenset[str] = frozenset()

    def changed(self, **changes: Any) -> Caller:
        return replace(self, **changes)

    def metadata(
        self, path: str, body: bytes, *, nonce: str = "", skew: float = 0, correlation_id: str = ""
    ) -> dict[str, str]:
        """Returns signed metadata, to be sent or tampered with."""
        signed = SignedCall(
            key_id=self.key.key_id,
            timestamp=str(int(time.time() + skew)),
            nonce=nonce or secrets.token_urlsafe(16),
            signature="",
            audience=self.audience,
            path=path,
            tenant_id=self.tenant_id,
            correlation_id=correlation_id,
            body=body,
        )
        return {
            "x-internal-key-id": signed.key_id,
            "x-internal-timestamp": signed.timestamp,
            "x-internal-nonce": signed.nonce,
            "x-internal-signature": sign(signed, self.key.secret),
            **({"x-tenant-id": self.tenant_id} if self.tenant_id else {}),
            **({"x-correlation-id": correlation_id} if correlation_id else {}),
        }

    def call(self, path: str, request: Message | bytes, **signing: Any) -> Answer:
        """Signs and sends one call, unary or streaming."""
        body = request if isinstance(request, bytes) else request.SerializeToString()
        return self.send(path, body, self.metadata(path, body, **signing))

    def send(
        self,
        path: str,
        body: bytes,
        metadata: Mapping[str, str] | tuple[tuple[str, str], ...],
        timeout: float = DEADLINE_SECONDS,
    ) -> Answer:
        """Sends bytes with metadata as they are; every method can be read as a stream."""
        pairs = tuple(metadata.items()) if isinstance(metadata, Mapping) else metadata
        method: Any = self.channel.unary_stream(path)
        call = method(body, metadata=pairs, timeout=timeout)
        try:
            messages = tuple(call)
        except grpc.RpcError as error:
            return refused(error)
        return Answer("OK", messages, initial=dict(call.initial_metadata() or ()))


def refused(error: Any) -> Answer:
    trailing = dict(error.trailing_metadata() or ())
    details: dict[str, Any] = {}
    raw = trailing.get("grpc-status-details-bin")
    if raw is not None:
        for packed in status_pb2.Status.FromString(raw).details:
            name = packed.type_url.rsplit(".", 1)[-1]
            details[name] = getattr(error_details_pb2, name)()
            packed.Unpack(details[name])
    info = details.get("ErrorInfo", error_details_pb2.ErrorInfo())
    bad = details.get("BadRequest", error_details_pb2.BadRequest())
    retry = details.get("RetryInfo")
    return Answer(
        code=error.code().name,
        message=error.details() or "",
        reason=info.reason,
        metadata=dict(info.metadata),
        fields=tuple(violation.field for violation in bad.field_violations),
        retry_after_ms=retry.retry_delay.ToMilliseconds() if retry else 0,
        initial=dict(error.initial_metadata() or ()),
        trailing=trailing,
    )


@dataclass(frozen=True)
class RunningNode:
    """Is a served node with a key for each tenant, one that only reads, and the operator's."""

    node: Node
    application: Application
    channel: grpc.Channel
    address: str
    acme: Caller
    globex: Caller
    viewer: Caller
    operator: Caller

    def caller(self, tenant_ids: tuple[str, ...], role: str, tenant_id: str = "") -> Caller:
        """Makes a new key."""
        return new_caller(self.node, self.channel, tenant_ids, role, tenant_id)


def new_caller(
    node: Node, channel: grpc.Channel, tenant_ids: tuple[str, ...], role: str, tenant_id: str
) -> Caller:
    result = node.tenants.create_credential(context_of("acme"), NewCredential(tenant_ids, (role,)))
    assert isinstance(result, Ok)
    issued = result.value
    key = Key(issued.credential.key_id, bytes.fromhex(issued.secret))
    return Caller(channel, key, tenant_id)


@pytest.fixture(scope="module")
def urls(postgres: Postgres) -> Iterator[DatabaseUrls]:
    urls = postgres.create()
    yield urls
    postgres.drop(urls)


@pytest.fixture(scope="module")
def running(
    urls: DatabaseUrls, redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningNode]:
    """Is one node for all tests of a file; they keep apart by the ids they use."""
    directory = tmp_path_factory.mktemp("node")
    environment = environment_of(urls, redis_server, directory)
    # The tests call faster than any tenant should.
    environment["HOWDAH_RATE_LIMIT_CALLS_PER_SECOND"] = "100000"
    environment["HOWDAH_RATE_LIMIT_BURST_CALLS"] = "100000"
    with serving(load_settings(environment)) as node:
        yield node


class serving:  # noqa: N801 - used as a context manager, like a function
    """Serves a node on a free port of the loopback until the block ends."""

    def __init__(self, settings: Settings) -> None:
        self._opening = open_node(settings)

    def __enter__(self) -> RunningNode:
        node = self._opening.__enter__()
        self._application = build_server(node, CollectorRegistry())
        port = self._application.server.add_insecure_port("127.0.0.1:0")
        self._application.server.start()
        self._application.set_serving(serving=True)
        address = f"127.0.0.1:{port}"
        # A channel of its own: gRPC shares connections between channels of one target otherwise.
        self._channel = grpc.insecure_channel(
            address, options=[("grpc.use_local_subchannel_pool", 1)]
        )
        channel = self._channel
        return RunningNode(
            node=node,
            application=self._application,
            channel=channel,
            address=address,
            acme=new_caller(node, channel, ("acme",), "admin", "acme"),
            globex=new_caller(node, channel, ("globex",), "admin", "globex"),
            viewer=new_caller(node, channel, ("acme",), "viewer", "acme"),
            operator=new_caller(node, channel, ("*",), "operator", ""),
        )

    def __exit__(self, *fault: object) -> None:
        self._channel.close()
        self._application.drain(wait_seconds=0, grace_seconds=0)
        self._opening.__exit__(None, None, None)


def an_idempotency_key() -> str:
    return f"test-{uuid.uuid4()}"
