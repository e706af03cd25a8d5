"""Explains a refusal: the reason from the catalogue, the fields, and when to try again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

DETAILS = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class FieldError:
    """Names one wrong field by its path in the request."""

    field: str
    description: str


class HowdahError(grpc.RpcError):
    """Is a call that did not succeed.

    `reason` is a name of the catalogue (docs/errors.md), or empty where the answer did not come
    from a node, such as when none could be reached.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self._code = code
        self.message = message
        self.reason = ""
        self.metadata: dict[str, str] = {}
        self.fields: list[FieldError] = []
        self.retry_after_seconds = 0.0
        self.correlation_id = ""

    def code(self) -> grpc.StatusCode:
        """Returns the status code, as any grpc.RpcError with an answer does."""
        return self._code

    def details(self) -> str:
        """Returns the message, as any grpc.RpcError with an answer does."""
        return self.message

    def __str__(self) -> str:
        """Returns code, reason and message in one line."""
        reason = f" / {self.reason}" if self.reason else ""
        return f"{self._code.name}{reason}: {self.message}"


def explained(fault: grpc.RpcError) -> HowdahError:
    """Returns the error with what its details say."""
    # What grpcio raises is an RpcError and a Call at once; its stubs do not know that.
    answer: Any = fault
    error = HowdahError(answer.code(), answer.details() or "")
    for name, value in answer.initial_metadata() or ():
        if name == "x-correlation-id":
            error.correlation_id = value
    for name, value in answer.trailing_metadata() or ():
        if name == DETAILS:
            _read(error, status_pb2.Status.FromString(value))
    return error


def _read(error: HowdahError, status: status_pb2.Status) -> None:
    info, request = error_details_pb2.ErrorInfo(), error_details_pb2.RequestInfo()
    retry, bad = error_details_pb2.RetryInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        if detail.Unpack(info):
            error.reason, error.metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad):
            error.fields = [FieldError(f.field, f.description) for f in bad.field_violations]
        elif detail.Unpack(retry):
            error.retry_after_seconds = retry.retry_delay.ToMilliseconds() / 1000
        elif detail.Unpack(request):
            error.correlation_id = request.request_id
