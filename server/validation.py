"""Compiles the field rules of a message type into plain checks, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from core.failures import FieldViolation
from howdah.validate.v1 import validate_pb2
from server import field_checks
from server.field_checks import MAX_FOUND, Check, Found, Rules

MessageCheck: TypeAlias = Callable[[Message, str, Found], None]

TIMESTAMP = "google.protobuf.Timestamp"
DURATION = "google.protobuf.Duration"


class Validator:
    """Checks messages by the rules of their contract; each type is compiled on first sight."""

    def __init__(self) -> None:
        self._compiled: dict[str, MessageCheck] = {}

    def compile(self, message: type[Message]) -> MessageCheck:
        """Returns the check of a message type."""
        return self._compile(message.DESCRIPTOR)

    def _compile(self, descriptor: Any) -> MessageCheck:
        # grpcio's messages run on upb, whose descriptors only look like the typed ones.
        name = descriptor.full_name
        if name not in self._compiled:
            checks: list[tuple[str, Check, bool]] = []
            # Known before it is complete: types may contain themselves.
            self._compiled[name] = _message_check(checks)
            checks += [
                (field.name, check, field.has_presence)
                for field in descriptor.fields
                if (check := self._field_check(field)) is not None
            ]
        return self._compiled[name]

    def _field_check(self, field: FieldDescriptor) -> Check | None:
        rules = field.GetOptions().Extensions[validate_pb2.field]
        if _is_map(field):
            return self._map_check(field, rules)
        if field.is_repeated:
            item = self._value_check(field, rules.repeated.items)
            return field_checks.repeated(rules, item)
        value = self._value_check(field, rules)
        return field_checks.required(value) if rules.required else value

    def _value_check(self, field: FieldDescriptor, rules: Rules) -> Check | None:
        if field.message_type is not None:
            name = field.message_type.full_name
            if name == TIMESTAMP:
                return field_checks.timestamp
            if name == DURATION:
                return field_checks.duration
            return _nested(self._compile(field.message_type))
        if field.type == FieldDescriptor.TYPE_STRING:
            return field_checks.string(rules.string)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return field_checks.length(rules.bytes.min_len, rules.bytes.max_len, "bytes")
        if field.enum_type is not None and rules.enum.defined_only:
            return field_checks.defined(frozenset(field.enum_type.values_by_number))
        if field.type == FieldDescriptor.TYPE_INT32:
            return field_checks.in_range(rules.int32)
        if field.type == FieldDescriptor.TYPE_INT64:
            return field_checks.in_range(rules.int64)
        return None

    def _map_check(self, field: FieldDescriptor, rules: Rules) -> Check:
        assert field.message_type is not None
        entry = field.message_type.fields_by_name
        check_key = self._value_check(entry["key"], rules.map.keys)
        check_value = self._value_check(entry["value"], rules.map.values)
        most = rules.map.max_pairs

        def check(value: Any, path: str, found: Found) -> None:
            if not value:
                if rules.required:
                    found.append(FieldViolation(path, "is required"))
                return
            if most and len(value) > most:
                found.append(FieldViolation(path, f"must have at most {most} entries"))
                return
            for key in value:
                place = f"{path}[{str(key)[:50]!r}]"
                if check_key is not None:
                    check_key(key, place, found)
                if check_value is not None:
                    check_value(value[key], place, found)

        return check


def _message_check(checks: Sequence[tuple[str, Check, bool]]) -> MessageCheck:
    def check(message: Message, path: str, found: Found) -> None:
        for name, look, has_presence in checks:
            if len(found) >= MAX_FOUND:
                return
            # A field that can tell absence from zero is looked at only where it is there.
            value = getattr(message, name) if not has_presence or message.HasField(name) else None
            look(value, path + name, found)

    return check


def _nested(look: MessageCheck) -> Check:
    def check(value: Message | None, path: str, found: Found) -> None:
        # None where it was not sent and need not be.
        if value is not None:
            look(value, f"{path}.", found)

    return check


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry
