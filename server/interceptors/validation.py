"""Parses the request and checks it by the rules of the contract."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from core.failures import Failure, FieldViolation, RefusedError, fields_invalid
from core.reasons import Reason
from server.call import Answer, Call, Handler
from server.method import RpcMethod
from server.validation import Validator

UNREADABLE = Failure(
    Reason.MESSAGE_UNREADABLE, "The request is not a message of the type the method takes."
)


class Validation:
    """Is the last check before the use case; what it lets through keeps the contract's rules."""

    def __init__(self, validator: Validator) -> None:
        self._validator = validator

    def __call__(self, method: RpcMethod, proceed: Handler) -> Handler:
        """Wraps a method; the rules of its request are compiled here."""
        check = self._validator.compile(method.request)
        parse = method.request.FromString

        def handle(call: Call) -> Answer:
            try:
                request = parse(call.body)
            except DecodeError:
                raise RefusedError(UNREADABLE) from None
            found: list[FieldViolation] = []
            check(request, "", found)
            if found:
                raise RefusedError(fields_invalid(found))
            call.request = request
            return proceed(call)

        return handle
