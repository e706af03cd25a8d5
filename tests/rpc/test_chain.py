"""Checks what every call goes through, on a method that does nothing else."""

from __future__ import annotations

import base64
import json
import secrets
import time
import uuid
from datetime import timedelta
from typing import Any

import grpc
import jwt
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from core.reasons import Reason
from core.result import Err, Ok
from core.tenants.create_credential import NewCredential
from core.tenants.rotate_credential import Rotation
from howdah.node.v1 import node_pb2
from tests.conftest import context_of
from tests.rpc.conftest import Answer, Key, RunningNode

PING = "/howdah.node.v1.NodeService/Ping"
BODY = node_pb2.PingRequest(message="hello").SerializeToString()


def ping(answer: Answer) -> node_pb2.PingResponse:
    assert answer.code == "OK", answer
    return node_pb2.PingResponse.FromString(answer.messages[0])


def test_a_signed_call_is_answered_for_its_tenant(running: RunningNode) -> None:
    answer = ping(running.acme.call(PING, BODY))

    assert (answer.message, answer.tenant_id) == ("hello", "acme")
    assert answer.key_id == running.acme.key.key_id


def test_the_callers_correlation_id_comes_back_and_a_missing_one_is_made(
    running: RunningNode,
) -> None:
    given = str(uuid.uuid4())

    kept = running.acme.call(PING, BODY, correlation_id=given)
    made = running.acme.call(PING, BODY)

    assert kept.initial["x-correlation-id"] == given
    assert uuid.UUID(made.initial["x-correlation-id"]).version == 4


def test_every_answer_says_how_many_calls_are_left(running: RunningNode) -> None:
    first, second = running.acme.call(PING, BODY), running.acme.call(PING, BODY)

    assert first.initial["x-ratelimit-limit"] == "100000"
    assert int(second.initial["x-ratelimit-remaining"]) <= int(
        first.initial["x-ratelimit-remaining"]
    )
    assert int(first.initial["x-ratelimit-reset"]) >= 0


@pytest.mark.parametrize("skew", [-61, 61])
def test_a_skewed_clock_is_told_the_servers_time(running: RunningNode, skew: float) -> None:
    answer = running.acme.call(PING, BODY, skew=skew)

    assert (answer.code, answer.reason) == ("UNAUTHENTICATED", "TIMESTAMP_SKEW")
    assert abs(int(answer.metadata["server_time"]) - time.time()) < 5


def test_all_unauthenticated_callers_read_the_same_sentence(running: RunningNode) -> None:
    unknown = running.acme.changed(key=Key("nobody", secrets.token_bytes(32)))
    wrong = running.acme.changed(key=Key(running.acme.key.key_id, secrets.token_bytes(32)))

    answers = [
        unknown.call(PING, BODY),
        wrong.call(PING, BODY),
        running.acme.call(PING, BODY, skew=100),
        running.acme.send(PING, BODY, {"x-tenant-id": "acme"}),
        running.acme.send(PING, BODY, {"authorization": "Bearer x.y.z", "x-tenant-id": "acme"}),
    ]

    assert len({answer.message for answer in answers}) == 1
    assert answers[0].reason == answers[1].reason == "SIGNATURE_INVALID"


@pytest.mark.parametrize(
    "name", ["x-tenant-id", "x-internal-key-id", "x-internal-signature", "x-correlation-id"]
)
def test_metadata_sent_twice_is_refused(running: RunningNode, name: str) -> None:
    metadata = running.acme.metadata(PING, BODY, correlation_id=str(uuid.uuid4()))

    answer = running.acme.send(PING, BODY, (*metadata.items(), (name, metadata[name])))

    assert (answer.code, answer.reason) == ("INVALID_ARGUMENT", "METADATA_INVALID")


def test_a_correlation_id_that_is_no_uuid_is_refused_and_not_repeated(
    running: RunningNode,
) -> None:
    answer = running.acme.call(PING, BODY, correlation_id="<script>")

    assert (answer.code, answer.reason) == ("INVALID_ARGUMENT", "METADATA_INVALID")
    assert answer.initial["x-correlation-id"] == answer.trailing["x-correlation-id"]
    assert uuid.UUID(str(answer.trailing["x-correlation-id"])).version == 4


def test_a_deadline_that_has_passed_is_not_waited_for(running: RunningNode) -> None:
    answer = running.acme.send(PING, BODY, running.acme.metadata(PING, BODY), timeout=-1.0)

    assert answer.code == "DEADLINE_EXCEEDED"


def test_an_unknown_method_is_unimplemented(running: RunningNode) -> None:
    for path in ("/howdah.node.v1.NodeService/Nothing", "/nobody.Knows/This"):
        answer = running.acme.call(path, BODY)
        assert (answer.code, answer.reason) == ("UNIMPLEMENTED", "METHOD_UNKNOWN")


def test_a_message_past_the_limit_is_refused(running: RunningNode) -> None:
    assert running.acme.call(PING, b"\x0a" + b"x" * 5_000_000).code == "RESOURCE_EXHAUSTED"


class TestBearerTokens:
    """A short-lived token opens the same door, with no more rights than it names."""

    def bearer(self, running: RunningNode, token: str, tenant: str = "acme") -> Answer:
        metadata = {"authorization": f"Bearer {token}", "x-tenant-id": tenant}
        return running.acme.send(PING, BODY, metadata)

    def test_a_token_is_taken_for_its_tenants_only(self, running: RunningNode) -> None:
        token = running.node.issue_token("somebody", ["acme"], ["viewer"])

        assert ping(self.bearer(running, token)).key_id == "somebody"
        assert self.bearer(running, token, "globex").reason == "TENANT_NOT_ALLOWED"

    def test_a_token_without_a_role_may_nothing(self, running: RunningNode) -> None:
        token = running.node.issue_token("somebody", ["acme"], [])

        assert self.bearer(running, token).reason == "PERMISSION_MISSING"

    def test_a_tampered_token_is_refused(self, running: RunningNode) -> None:
        head, claims, signature = running.node.issue_token("x", ["acme"], ["viewer"]).split(".")
        other = running.node.issue_token("x", ["*"], ["operator"]).split(".")[1]

        assert self.bearer(running, f"{head}.{other}.{signature}").reason == "TOKEN_INVALID"
        assert self.bearer(running, f"{head}.{claims}.").reason == "TOKEN_INVALID"
        assert self.bearer(running, "x" * 5_000).reason == "TOKEN_INVALID"

    @pytest.mark.parametrize("kid", ["a\x00b", "\ud800", "", 7, None, "x" * 100])
    def test_a_token_that_names_a_strange_key_is_refused(
        self, running: RunningNode, kid: object
    ) -> None:
        token = jwt.encode({"sub": "x"}, "x" * 32, "HS256", headers={"kid": "plain"})
        head = base64.urlsafe_b64encode(
            json.dumps({"alg": "EdDSA", "typ": "JWT", "kid": kid}).encode()
        )
        forged = head.decode().rstrip("=") + "." + token.split(".", 1)[1]

        assert self.bearer(running, forged).reason == "TOKEN_INVALID"

    def test_a_token_and_a_signature_together_are_refused(self, running: RunningNode) -> None:
        token = running.node.issue_token("x", ["acme"], ["viewer"])
        metadata = running.acme.metadata(PING, BODY) | {"authorization": f"Bearer {token}"}

        answer = running.acme.send(PING, BODY, metadata)

        assert (answer.code, answer.reason) == ("UNAUTHENTICATED", "SIGNATURE_MALFORMED")


def test_a_revoked_key_is_refused_within_five_seconds(running: RunningNode) -> None:
    caller = running.caller(("acme",), "viewer", "acme")
    assert caller.call(PING, BODY).code == "OK"
    running.node.tenants.revoke_credential(context_of("acme"), caller.key.key_id)

    give_up = time.monotonic() + 5.0
    while (answer := caller.call(PING, BODY)).code == "OK":
        assert time.monotonic() < give_up

    assert answer.reason == "CREDENTIAL_REVOKED"


def test_after_a_rotation_both_keys_are_good(running: RunningNode) -> None:
    caller = running.caller(("acme",), "viewer", "acme")
    result = running.node.tenants.rotate_credential(context_of("acme"), Rotation(caller.key.key_id))
    assert isinstance(result, Ok)
    issued = result.value
    successor = caller.changed(key=Key(issued.credential.key_id, bytes.fromhex(issued.secret)))

    assert caller.call(PING, BODY).code == "OK"
    assert successor.call(PING, BODY).code == "OK"


def test_the_successor_of_a_key_that_ends_lives_as_long(running: RunningNode) -> None:
    made = running.node.tenants.create_credential(
        context_of("acme"), NewCredential(("acme",), ("viewer",), lifetime=timedelta(hours=2))
    )
    assert isinstance(made, Ok)
    old = made.value.credential
    rotated = running.node.tenants.rotate_credential(
        context_of("acme"), Rotation(old.key_id, timedelta(0))
    )
    assert isinstance(rotated, Ok)
    successor = rotated.value.credential
    again = running.node.tenants.rotate_credential(context_of("acme"), Rotation(old.key_id))

    assert successor.not_after is not None
    assert successor.not_after - successor.not_before == timedelta(hours=2)
    assert isinstance(again, Err)
    assert again.failure.reason is Reason.RESOURCE_NOT_FOUND


def test_health_names_every_service(running: RunningNode) -> None:
    stub: Any = health_pb2_grpc.HealthStub(running.channel)

    for name in ("", *running.application.names):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_shows_every_service(running: RunningNode) -> None:
    database = ProtoReflectionDescriptorDatabase(running.channel)

    assert set(running.application.names) <= set(database.get_services())


def test_the_node_describes_itself(running: RunningNode) -> None:
    answer = running.acme.call("/howdah.node.v1.NodeService/DescribeNode", b"")

    described = node_pb2.DescribeNodeResponse.FromString(answer.messages[0])
    assert {contract.service for contract in described.contracts} == set(running.application.names)
    assert described.limits["max_message_bytes"] == running.node.settings.max_message_bytes
    kinds = {kind for queue in described.queues for kind in queue.kinds}
    assert kinds == {"records.import", "documents.workbook", "webhooks.deliver"}


def test_calls_take_the_short_way_with_the_locked_grpcio(running: RunningNode) -> None:
    # Red after an upgrade of grpcio: read docs/decisions/0003 and extend KNOWN_GRPCIO.
    assert running.application.calls.receives_first


def test_calls_are_answered_the_ordinary_way_too(running: RunningNode) -> None:
    running.application.calls.receives_first = False
    try:
        assert ping(running.acme.call(PING, BODY)).message == "hello"
    finally:
        running.application.calls.receives_first = True


def test_a_call_without_a_message_is_refused_both_ways(running: RunningNode) -> None:
    metadata = tuple(running.acme.metadata(PING, b"").items())
    for receives_first in (True, False):
        running.application.calls.receives_first = receives_first
        call: Any = running.channel.stream_unary(PING)
        with pytest.raises(grpc.RpcError) as error:
            call(iter(()), metadata=metadata, timeout=5)
        assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
    running.application.calls.receives_first = True
