"""Builds, from the rules of the contract, a request that every method would take."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from howdah.jobs.v1 import jobs_pb2
from howdah.validate.v1 import validate_pb2

PATTERNS = {
    "sha256": "a" * 64,
    "filename": "rows.csv",
    "media_type": "text/csv",
    "cron": "0 3 * * *",
    "url": "https://receiver.example/hooks",
}
# What an import mapping has to fill.
MAPPED = ("number", "issue_time", "sku", "quantity", "unit_price")
FORMATS: dict[int, Callable[[], str]] = {
    validate_pb2.STRING_FORMAT_UUID: lambda: str(uuid.uuid4()),
    validate_pb2.STRING_FORMAT_DATE: lambda: "2026-01-01",
    validate_pb2.STRING_FORMAT_TIME_ZONE: lambda: "Europe/Berlin",
    validate_pb2.STRING_FORMAT_CURRENCY: lambda: "EUR",
    validate_pb2.STRING_FORMAT_TENANT_ID: lambda: "initech",
}


def request_for(descriptor: Descriptor, **values: Any) -> Message:
    """Returns a valid request; `values` go into its fields of that name, where it has them."""
    message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        rules = field.GetOptions().Extensions[validate_pb2.field]
        if field.name in values:
            setattr(message, field.name, values[field.name])
        elif field.name == "end_date":
            setattr(message, field.name, "2026-02-01")
        elif field.name == "idempotency_key":
            setattr(message, field.name, f"test-{uuid.uuid4()}")
        elif rules.required:
            fill(message, field, rules)
    if isinstance(message, jobs_pb2.JobSpec):
        message.kind = "documents.workbook"
        message.payload.update({"period": "last_month"})
    return message


def fill(message: Message, field: FieldDescriptor, rules: validate_pb2.FieldRules) -> None:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        for name in MAPPED:
            getattr(message, field.name)[name] = name
    elif field.is_repeated:
        if field.message_type is not None:
            getattr(message, field.name).append(request_for(field.message_type))
        else:
            getattr(message, field.name).append(value_for(field, rules.repeated.items))
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(request_for(field.message_type))
        getattr(message, field.name).SetInParent()
    else:
        setattr(message, field.name, value_for(field, rules))


def value_for(field: FieldDescriptor, rules: validate_pb2.FieldRules) -> Any:
    if field.type == FieldDescriptor.TYPE_STRING:
        if field.name in PATTERNS:
            return PATTERNS[field.name]
        allowed = getattr(rules.string, "in")
        if allowed:
            return allowed[0]
        if rules.string.format in FORMATS:
            return FORMATS[rules.string.format]()
        return "acme" if field.name == "tenant_ids" else "value"
    if field.type == FieldDescriptor.TYPE_BYTES:
        return b"bytes"
    if field.type == FieldDescriptor.TYPE_ENUM:
        assert field.enum_type is not None
        return field.enum_type.values[1].number
    return 1
