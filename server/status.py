"""Turns a failure into a gRPC status with its details; the only place that aborts."""

from __future__ import annotations

from typing import NoReturn

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from core.failures import Failure
from core.reasons import Reason
from server.call import Call

DOMAIN = "howdah"
DETAILS_KEY = "grpc-status-details-bin"
# Trailers past 8 KB are refused by some proxies and clients.
MAX_DETAILS_BYTES = 7_000
MAX_MESSAGE_CHARACTERS = 500
MAX_VIOLATIONS = 20

CODES = {code.name: code for code in grpc.StatusCode}


def abort(call: Call, failure: Failure) -> NoReturn:
    """Ends the call with the failure's status, details and pushback."""
    call.transport.set_trailing_metadata(trailing_metadata(call, failure))
    call.transport.abort(CODES[failure.reason.code], failure.message[:MAX_MESSAGE_CHARACTERS])
    raise AssertionError  # abort raises


def trailing_metadata(call: Call, failure: Failure) -> tuple[tuple[str, str | bytes], ...]:
    """Returns the details, the correlation id, and how long to wait where that is known."""
    trailing: list[tuple[str, str | bytes]] = [
        (DETAILS_KEY, status_details(failure, call.correlation_id)),
        ("x-correlation-id", call.correlation_id),
    ]
    if failure.retry_after_ms and failure.reason.code == "RESOURCE_EXHAUSTED":
        trailing.append(("grpc-retry-pushback-ms", str(failure.retry_after_ms)))
    return tuple(trailing)


def status_details(failure: Failure, correlation_id: str) -> bytes:
    """Returns the serialised google.rpc.Status; always under 8 KB."""
    for violations in (MAX_VIOLATIONS, 3, 0):
        serialised = _serialised(failure, correlation_id, violations)
        if len(serialised) <= MAX_DETAILS_BYTES:
            return serialised
    bare = Failure(failure.reason, failure.reason.name, retry_after_ms=failure.retry_after_ms)
    return _serialised(bare, correlation_id, 0)


def _serialised(failure: Failure, correlation_id: str, violations: int) -> bytes:
    reason = failure.reason
    details: list[Message] = [
        error_details_pb2.ErrorInfo(
            reason=reason.name, domain=DOMAIN, metadata=dict(failure.metadata)
        ),
        error_details_pb2.RequestInfo(request_id=correlation_id),
    ]
    if failure.fields and violations:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(
                        field=violation.field, description=violation.description
                    )
                    for violation in failure.fields[:violations]
                ]
            )
        )
    if failure.retry_after_ms:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(failure.retry_after_ms)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    details += _details_of_code(failure)
    status = status_pb2.Status(
        code=code_pb2.Code.Value(reason.code),
        message=failure.message[:MAX_MESSAGE_CHARACTERS],
        details=[_packed(detail) for detail in details],
    )
    serialised: bytes = status.SerializeToString()
    return serialised


def _details_of_code(failure: Failure) -> list[Message]:
    """Returns the detail that callers look for with some of the statuses."""
    reason, values = failure.reason, failure.metadata
    if reason in (Reason.RESOURCE_NOT_FOUND, Reason.RESOURCE_EXISTS):
        return [
            error_details_pb2.ResourceInfo(
                resource_type=values.get("resource_type", ""),
                resource_name=values.get("resource_name", ""),
                description=failure.message,
            )
        ]
    if reason.code == "RESOURCE_EXHAUSTED":
        violation = error_details_pb2.QuotaFailure.Violation(
            subject=values.get("subject", "node"), description=failure.message
        )
        return [error_details_pb2.QuotaFailure(violations=[violation])]
    if reason.code == "FAILED_PRECONDITION":
        unmet = error_details_pb2.PreconditionFailure.Violation(
            type=reason.name, subject=values.get("subject", ""), description=failure.message
        )
        return [error_details_pb2.PreconditionFailure(violations=[unmet])]
    return []


def _packed(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed
