"""What the misbehaving server answers to a ping, by the verb the message begins with."""

import base64
import hashlib
import hmac
import json
import os
import time
from collections import Counter
from collections.abc import Callable

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from howdah.node.v1 import node_pb2

SECRET = bytes(32)
PING = "/howdah.node.v1.NodeService/Ping"


seen: Counter[str] = Counter()
cancelled: set[str] = set()


def code(number: str) -> grpc.StatusCode:
    """Finds a status code by its number."""
    return next(each for each in grpc.StatusCode if each.value[0] == int(number))


def abort(
    context: grpc.ServicerContext,
    status: grpc.StatusCode,
    message: str,
    *details: Message,
    metadata: tuple[tuple[str, str], ...] = (),
) -> None:
    """Ends the call with google.rpc details in the trailers, as the node does."""
    packed = []
    for detail in details:
        boxed = any_pb2.Any()
        boxed.Pack(detail)
        packed.append(boxed)
    rich = status_pb2.Status(code=status.value[0], message=message, details=packed)
    context.set_trailing_metadata(
        (("grpc-status-details-bin", rich.SerializeToString()), *metadata)
    )
    context.abort(status, message)


def metadata_of(context: grpc.ServicerContext) -> dict[str, str]:
    """Returns the metadata of the call that is text."""
    return {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}


def metadata(_argument: str, _body: bytes, context: grpc.ServicerContext) -> str:
    """Says what metadata came, and sends some of every kind."""
    pairs = [
        [key, base64.b64encode(value).decode() if isinstance(value, bytes) else value]
        for key, value in context.invocation_metadata()
    ]
    context.send_initial_metadata(
        (("x-many", "one"), ("x-many", "two"), ("x-blob-bin", b"\x00\xff\n"))
    )
    context.set_trailing_metadata((("x-end", "a"), ("x-end", "b"), ("x-end-bin", b"\x01\x02")))
    return json.dumps(pairs)


def signature(_argument: str, body: bytes, context: grpc.ServicerContext) -> str:
    """Checks the signature, written anew from the contract's text."""
    given = metadata_of(context)
    wanted = "\n".join(
        (
            "HOWDAH-HMAC-SHA256",
            given.get("x-internal-key-id", ""),
            given.get("x-internal-timestamp", ""),
            given.get("x-internal-nonce", ""),
            "howdah",
            PING,
            given.get("x-tenant-id", ""),
            given.get("x-correlation-id", ""),
            hashlib.sha256(body).hexdigest(),
        )
    )
    mac = "v1=" + hmac.new(SECRET, wanted.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(mac, given.get("x-internal-signature", "")):
        abort(context, grpc.StatusCode.UNAUTHENTICATED, "The call could not be authenticated.")
    return wanted


def late(seconds: str, _body: bytes, context: grpc.ServicerContext) -> str:
    """Sends headers, and the rest much later."""
    context.send_initial_metadata((("x-early", "yes"),))
    time.sleep(float(seconds))
    return ""


def refuse(_argument: str, _body: bytes, context: grpc.ServicerContext) -> str:
    """Refuses with every detail the node may send."""
    violation = error_details_pb2.BadRequest.FieldViolation
    abort(
        context,
        grpc.StatusCode.INVALID_ARGUMENT,
        "Two fields are wrong.",
        error_details_pb2.ErrorInfo(
            reason="FIELDS_INVALID", domain="howdah", metadata={"count": "2", "first": "start_date"}
        ),
        error_details_pb2.BadRequest(
            field_violations=[
                violation(field="start_date", description="is no date"),
                violation(field="end_date", description="fehlt für „März“"),
            ]
        ),
        error_details_pb2.RequestInfo(request_id=metadata_of(context).get("x-correlation-id", "")),
    )
    return ""


def flaky(argument: str, _body: bytes, context: grpc.ServicerContext) -> str:
    """Fails some times: `failures:code:retry ms:pushback:name`."""
    failures, number, retry_ms, pushback, _name = argument.split(":")
    times = seen["flaky:" + argument]
    if times <= int(failures):
        delay = duration_pb2.Duration(nanos=int(retry_ms or 0) * 1_000_000)
        abort(
            context,
            code(number),
            "not yet",
            *([error_details_pb2.RetryInfo(retry_delay=delay)] if retry_ms else []),
            metadata=(("grpc-retry-pushback-ms", pushback),) if pushback else (),
        )
    return str(times)


def gzip(length: str, _body: bytes, context: grpc.ServicerContext) -> str:
    """Answers with a compressed message."""
    context.set_compression(grpc.Compression.Gzip)
    return "z" * int(length)


def sleep(seconds: str, _body: bytes, _context: grpc.ServicerContext) -> str:
    """Answers late."""
    time.sleep(float(seconds))
    return ""


def percent(_argument: str, _body: bytes, context: grpc.ServicerContext) -> str:
    """Fails with a message that must be percent-encoded."""
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "100% Zażółć\ngęślą jaźń 🐘")
    return ""


VERBS: dict[str, Callable[[str, bytes, grpc.ServicerContext], str | None]] = {
    "metadata": metadata,
    "signature": signature,
    "sleep": sleep,
    "late": late,
    "refuse": refuse,
    "percent": percent,
    "flaky": flaky,
    "gzip": gzip,
    "status": lambda number, _body, context: context.abort(code(number), "as asked"),
    "remaining": lambda _argument, _body, context: str(context.time_remaining()),
    "seen": lambda what, _body, _context: str(seen[what]),
    "cancelled": lambda what, _body, _context: str(what in cancelled),
    "big": lambda length, _body, _context: "x" * int(length),
    "length": lambda text, _body, _context: str(len(text)),
    "pid": lambda _argument, _body, _context: str(os.getpid()),
    "peer": lambda _argument, _body, context: context.peer(),
    "die": lambda _argument, _body, _context: os._exit(9),
}


def ping(body: bytes, context: grpc.ServicerContext) -> bytes:
    """Does what the text asks for: `verb` or `verb:argument`; any other text comes back."""
    text = node_pb2.PingRequest.FromString(body).message
    verb, _, argument = text.partition(":")
    seen[text] += 1
    answer = VERBS[verb](argument, body, context) if verb in VERBS else text
    return node_pb2.PingResponse(
        message=answer, tenant_id=metadata_of(context).get("x-tenant-id", "")
    ).SerializeToString()
