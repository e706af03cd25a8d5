"""Sends every RPC what no client should send: a clear refusal comes back, never INTERNAL."""

from __future__ import annotations

import random

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from server.method import rpc_method
from tests.rpc.conftest import Caller, RunningNode
from tests.rpc.plausible import request_for
from tests.unit.test_contract import METHODS

REFUSALS = ("INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "ALREADY_EXISTS")
MUTATIONS = 40
NASTY = (
    "",
    "\x00",
    "'; DROP TABLE jobs; --",
    "../../etc/passwd",
    "%s%(x)s:name{}",
    "\u202e\ufeff\U0001f418",
    "x" * 5000,
    "-1",
    "9" * 40,
    "2026-02-30",
    "0000-00-00",
)


def caller_for(running: RunningNode, descriptor: MethodDescriptor) -> Caller:
    return running.acme if rpc_method(descriptor).tenant_bound else running.operator


each_method = pytest.mark.parametrize("descriptor", METHODS, ids=lambda method: method.full_name)


@each_method
def test_bytes_that_are_no_message_are_refused(
    descriptor: MethodDescriptor, running: RunningNode
) -> None:
    answer = caller_for(running, descriptor).call(rpc_method(descriptor).path, b"\xff\xff\xff")

    assert (answer.code, answer.reason) == ("INVALID_ARGUMENT", "MESSAGE_UNREADABLE")


@each_method
def test_an_empty_request_is_answered_or_names_what_is_missing(
    descriptor: MethodDescriptor, running: RunningNode
) -> None:
    answer = caller_for(running, descriptor).call(rpc_method(descriptor).path, b"")

    if answer.code != "OK":
        assert answer.code == "INVALID_ARGUMENT"
        assert answer.fields
        assert answer.trailing["x-correlation-id"]


@each_method
def test_mutated_requests_never_break_the_node(
    descriptor: MethodDescriptor, running: RunningNode
) -> None:
    path, caller = rpc_method(descriptor).path, caller_for(running, descriptor)
    seed = random.Random(descriptor.full_name)  # the same requests in every run
    good = request_for(descriptor.input_type).SerializeToString()

    for _ in range(MUTATIONS):
        body = mutated(good, seed)
        answer = caller.send(path, body, caller.metadata(path, body), timeout=5)
        assert_clear(answer, body)


@each_method
def test_nasty_values_in_every_field_never_break_the_node(
    descriptor: MethodDescriptor, running: RunningNode
) -> None:
    path, caller = rpc_method(descriptor).path, caller_for(running, descriptor)

    for request in nasty_requests(descriptor):
        body = request.SerializeToString()
        answer = caller.send(path, body, caller.metadata(path, body), timeout=5)
        assert_clear(answer, body)


def assert_clear(answer: object, body: bytes) -> None:
    code, reason = answer.code, answer.reason  # type: ignore[attr-defined]
    assert code in ("OK", *REFUSALS), (code, reason, body)
    if code != "OK":
        assert reason, (code, body)


def mutated(good: bytes, seed: random.Random) -> bytes:
    body = bytearray(good or b"\x0a\x01a")
    for _ in range(seed.randint(1, 4)):
        place = seed.randrange(len(body)) if body else 0
        match seed.randint(0, 3):
            case 0 if body:
                body[place] = seed.randrange(256)
            case 1 if body:
                del body[place:]
            case 2:
                body[place:place] = seed.randbytes(seed.randint(1, 8))
            case _:
                body += seed.randbytes(3)
    return bytes(body)


def nasty_requests(descriptor: MethodDescriptor) -> list[Message]:
    found = []
    for field in descriptor.input_type.fields:
        if field.is_repeated or field.message_type is not None:
            continue
        values: tuple[object, ...] = NASTY
        if field.type in (field.TYPE_INT32, field.TYPE_ENUM):
            values = (-1, 2**31 - 1, -(2**31))
        elif field.type == field.TYPE_INT64:
            values = (-1, 2**63 - 1, -(2**63))
        elif field.type == field.TYPE_BYTES:
            values = (b"\x00" * 100,)
        elif field.type == field.TYPE_BOOL:
            values = (True,)
        for value in values:
            request = request_for(descriptor.input_type)
            setattr(request, field.name, value)
            found.append(request)
    return found
