from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2

from core.tenants.signing import SignedCall, mac_key, matches
from howdah.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from howdah.node.v1 import node_pb2, node_pb2_grpc
from howdah_client import Credential, HowdahError, SignedChannel, connect, signed_metadata

SECRET = secrets.token_hex(32)
CREDENTIAL = Credential("acme-1", SECRET)


@dataclass
class Received:
    body: bytes
    metadata: dict[str, str]

    def signed_for(self, path: str, audience: str = "howdah") -> bool:
        call = SignedCall(
            key_id=self.metadata["x-internal-key-id"],
            timestamp=self.metadata["x-internal-timestamp"],
            nonce=self.metadata["x-internal-nonce"],
            signature=self.metadata["x-internal-signature"],
            audience=audience,
            path=path,
            tenant_id=self.metadata.get("x-tenant-id", ""),
            correlation_id=self.metadata.get("x-correlation-id", ""),
            body=self.body,
        )
        return call.malformed() is None and matches(call, mac_key(bytes.fromhex(SECRET)))


@dataclass
class Server:
    """Answers with what `behaviour` does for the nth call, and keeps what it received."""

    behaviour: Callable[[int, grpc.ServicerContext], Any] = lambda _n, _context: b""
    received: list[Received] = field(default_factory=list)
    address: str = ""

    def take(self, body: bytes, context: grpc.ServicerContext) -> Any:
        metadata = {name: str(value) for name, value in context.invocation_metadata()}
        self.received.append(Received(body, metadata))
        return self.behaviour(len(self.received), context)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handlers(grpc.GenericRpcHandler):
        def service(self, details: grpc.HandlerCallDetails) -> Any:
            if details.method.endswith("WatchJob"):
                return grpc.unary_stream_rpc_method_handler(state.take)
            return grpc.unary_unary_rpc_method_handler(state.take)

    running = grpc.server(futures.ThreadPoolExecutor(4), handlers=[Handlers()])
    state.address = f"127.0.0.1:{running.add_insecure_port('127.0.0.1:0')}"
    running.start()
    yield state
    running.stop(None).wait()


@pytest.fixture
def channel(server: Server) -> Iterator[SignedChannel]:
    with connect(server.address, CREDENTIAL, tenant="acme") as signed:
        yield signed


def refusing(code: grpc.StatusCode, *, times: int = 1_000) -> Callable[[int, Any], bytes]:
    def behave(number: int, context: grpc.ServicerContext) -> bytes:
        if number <= times:
            context.abort(code, "not now")
        return b""

    return behave


def ping(channel: SignedChannel, **arguments: Any) -> node_pb2.PingResponse:
    stub = node_pb2_grpc.NodeServiceStub(channel)
    return stub.Ping(node_pb2.PingRequest(message="hello"), **arguments)


def test_a_call_carries_a_signature_of_the_bytes_that_are_sent(
    server: Server, channel: SignedChannel
) -> None:
    ping(
        channel, timeout=5, metadata=(("x-correlation-id", "0" * 8 + "-0000" * 3 + "-" + "0" * 12),)
    )
    (received,) = server.received
    assert received.metadata["x-tenant-id"] == "acme"
    assert received.metadata["x-correlation-id"].startswith("00000000-")
    assert received.signed_for("/howdah.node.v1.NodeService/Ping")


def test_another_tenant_uses_the_same_connection(server: Server, channel: SignedChannel) -> None:
    ping(channel.for_tenant("globex"))
    (received,) = server.received
    assert received.metadata["x-tenant-id"] == "globex"
    assert received.signed_for("/howdah.node.v1.NodeService/Ping")


def test_an_unavailable_node_is_tried_again_with_a_new_nonce(
    server: Server, channel: SignedChannel
) -> None:
    server.behaviour = refusing(grpc.StatusCode.UNAVAILABLE, times=2)
    ping(channel, timeout=10)
    assert len({r.metadata["x-internal-nonce"] for r in server.received}) == 3
    assert all(r.signed_for("/howdah.node.v1.NodeService/Ping") for r in server.received)


def test_a_refusal_is_not_tried_again(server: Server, channel: SignedChannel) -> None:
    server.behaviour = refusing(grpc.StatusCode.INVALID_ARGUMENT)
    with pytest.raises(HowdahError, match="not now") as raised:
        ping(channel)
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert len(server.received) == 1


def test_the_attempts_end_with_the_timeout_at_the_latest(
    server: Server, channel: SignedChannel
) -> None:
    server.behaviour = refusing(grpc.StatusCode.UNAVAILABLE)
    started = time.monotonic()
    with pytest.raises(HowdahError) as raised:
        ping(channel, timeout=0.3)
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert time.monotonic() - started < 1


def test_nobody_there_is_an_error_of_the_same_kind() -> None:
    with (
        connect("127.0.0.1:1", CREDENTIAL, tenant="acme", attempts=2) as channel,
        pytest.raises(HowdahError) as raised,
    ):
        ping(channel, timeout=5)
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert raised.value.reason == ""


def details() -> status_pb2.Status:
    status = status_pb2.Status(code=3, message="quantity: must be at least 1")
    info = error_details_pb2.ErrorInfo(reason="FIELDS_INVALID", domain="howdah")
    info.metadata["field"] = "quantity"
    bad = error_details_pb2.BadRequest()
    bad.field_violations.add(field="quantity", description="must be at least 1")
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMilliseconds(1500)
    request = error_details_pb2.RequestInfo(request_id="c-1")
    for message in (info, bad, retry, request):
        packed = AnyMessage()
        packed.Pack(message)
        status.details.append(packed)
    return status


def test_a_refusal_explains_itself(server: Server, channel: SignedChannel) -> None:
    def behave(_number: int, context: grpc.ServicerContext) -> NoReturn:
        status = details()
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, status.message)

    server.behaviour = behave
    with pytest.raises(HowdahError) as raised:
        ping(channel)
    error = raised.value
    assert (error.reason, error.metadata) == ("FIELDS_INVALID", {"field": "quantity"})
    assert [(f.field, f.description) for f in error.fields] == [("quantity", "must be at least 1")]
    assert error.retry_after_seconds == 1.5
    assert error.correlation_id == "c-1"
    assert str(error) == "INVALID_ARGUMENT / FIELDS_INVALID: quantity: must be at least 1"


def watch(channel: SignedChannel) -> Any:
    return jobs_pb2_grpc.JobsServiceStub(channel).WatchJob(jobs_pb2.WatchJobRequest(job_id="j"))


def test_a_stream_begins_again_only_while_nothing_has_come(
    server: Server, channel: SignedChannel
) -> None:
    answer = jobs_pb2.WatchJobResponse(job=jobs_pb2.Job(job_id="j")).SerializeToString()

    def behave(number: int, context: grpc.ServicerContext) -> Iterator[bytes]:
        if number == 2:
            yield answer
        context.abort(grpc.StatusCode.UNAVAILABLE, "not now")

    server.behaviour = behave
    stream = watch(channel)
    assert next(stream).job.job_id == "j"
    with pytest.raises(HowdahError):
        next(stream)
    assert len(server.received) == 2
    assert (
        server.received[0].metadata["x-internal-nonce"]
        != (server.received[1].metadata["x-internal-nonce"])
    )


def test_a_stream_can_be_cancelled(server: Server, channel: SignedChannel) -> None:
    gone = threading.Event()

    def behave(_number: int, context: grpc.ServicerContext) -> Iterator[bytes]:
        context.add_callback(gone.set)
        yield b""
        gone.wait(5)

    server.behaviour = behave
    stream = watch(channel)
    next(stream)
    stream.cancel()
    assert gone.wait(5)


def test_a_line_break_in_a_signed_value_is_refused() -> None:
    with pytest.raises(ValueError, match="line breaks"):
        signed_metadata(CREDENTIAL, "/s/m", b"", tenant="acme\nglobex")


def test_a_secret_is_not_shown() -> None:
    assert SECRET not in repr(CREDENTIAL)
    with pytest.raises(ValueError):
        Credential("k", "not hexadecimal")
