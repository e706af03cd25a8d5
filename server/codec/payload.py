"""Turns the payload of a job, a JSON object in a message, into a value that can be kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

from core.failures import RefusedError, field_invalid


def payload(message: Struct, path: str) -> Mapping[str, Any]:
    """Returns the JSON object at `path`; whole numbers are integers, as they were written.

    Refuses with FIELDS_INVALID the numbers that JSON does not have.
    """
    try:
        return _object(message)
    except ValueError as fault:
        raise RefusedError(field_invalid(path, str(fault))) from None


def _object(message: Struct) -> dict[str, Any]:
    return {name: _value(value) for name, value in message.fields.items()}


def _value(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _object(value.struct_value)
        case "list_value":
            return [_value(item) for item in value.list_value.values]
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "number_value":
            return _number(value.number_value)
        case _:
            return None


def _number(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("must not contain NaN or an infinite number")
    # Exact up to 2**53; greater ones were rounded before they came here.
    return int(number) if number.is_integer() and abs(number) <= 2**53 else number
