"""Compiles the field rules of a message type into plain checks, once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from core.failures import FieldViolation
from howdah.validate.v1 import validate_pb2

Rules: TypeAlias = validate_pb2.FieldRules
Found: TypeAlias = list[FieldViolation]
# Looks at one value; `path` names it in the request.
Check: TypeAlias = Callable[[Any, str, Found], None]
MessageCheck: TypeAlias = Callable[[Message, str, Found], None]

# More than these are not worth a caller's reading time, nor ours.
MAX_FOUND = 100

TIMESTAMP = "google.protobuf.Timestamp"
DURATION = "google.protobuf.Duration"
# 0001-01-01 to 9999-12-31, as protobuf and Python both can say it.
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799
LONGEST_DURATION_SECONDS = 315_576_000_000
NANOS_IN_SECOND = 1_000_000_000

UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
TENANT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
CURRENCY = re.compile(r"[A-Z]{3}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


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
            return _repeated_check(rules, item)
        value = self._value_check(field, rules)
        return _required(value) if rules.required else value

    def _value_check(self, field: FieldDescriptor, rules: Rules) -> Check | None:
        if field.message_type is not None:
            name = field.message_type.full_name
            if name == TIMESTAMP:
                return _check_timestamp
            if name == DURATION:
                return _check_duration
            nested = self._compile(field.message_type)
            return lambda value, path, found: nested(value, f"{path}.", found)
        if field.type == FieldDescriptor.TYPE_STRING:
            return _string_check(rules.string)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return _length_check(rules.bytes.min_len, rules.bytes.max_len, "bytes")
        if field.enum_type is not None and rules.enum.defined_only:
            return _enum_check(frozenset(field.enum_type.values_by_number))
        if field.type == FieldDescriptor.TYPE_INT32:
            return _range_check(rules.int32)
        if field.type == FieldDescriptor.TYPE_INT64:
            return _range_check(rules.int64)
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


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _required(then: Check | None) -> Check:
    def check(value: Any, path: str, found: Found) -> None:
        if value is None or (not isinstance(value, Message) and not value):
            found.append(FieldViolation(path, "is required"))
        elif then is not None:
            then(value, path, found)

    return check


def _repeated_check(rules: Rules, item: Check | None) -> Check:
    least, most = rules.repeated.min_items, rules.repeated.max_items

    def check(value: Any, path: str, found: Found) -> None:
        count = len(value)
        if not count:
            if rules.required:
                found.append(FieldViolation(path, "is required"))
            return
        if count < least:
            found.append(FieldViolation(path, f"must have at least {least} items"))
        if most and count > most:
            found.append(FieldViolation(path, f"must have at most {most} items"))
            return
        if item is not None:
            for index, element in enumerate(value):
                item(element, f"{path}[{index}]", found)
                if len(found) >= MAX_FOUND:
                    return

    return check


def _string_check(rules: validate_pb2.StringRules) -> Check:
    pattern = re.compile(rules.pattern) if rules.pattern else None
    allowed = tuple(getattr(rules, "in"))
    form = FORMATS.get(rules.format)
    length = _length_check(rules.min_len, rules.max_len, "characters")

    def check(value: Any, path: str, found: Found) -> None:
        if not value:
            return
        if "\x00" in value:
            # Postgres cannot store it, and nobody means it.
            found.append(FieldViolation(path, "must not contain a NUL character"))
            return
        length(value, path, found)
        if pattern is not None and not pattern.fullmatch(value):
            found.append(FieldViolation(path, f"must match {rules.pattern}"))
        if allowed and value not in allowed:
            found.append(FieldViolation(path, f"must be one of {', '.join(allowed)}"))
        if form is not None and not form[0](value):
            found.append(FieldViolation(path, f"must be {form[1]}"))

    return check


def _length_check(least: int, most: int, unit: str) -> Check:
    def check(value: Any, path: str, found: Found) -> None:
        if not value:
            return
        if len(value) < least:
            found.append(FieldViolation(path, f"must have at least {least} {unit}"))
        elif most and len(value) > most:
            found.append(FieldViolation(path, f"must have at most {most} {unit}"))

    return check


def _range_check(rules: validate_pb2.Int32Rules | validate_pb2.Int64Rules) -> Check | None:
    least = rules.gte if rules.HasField("gte") else None
    most = rules.lte if rules.HasField("lte") else None
    if least is None and most is None:
        return None

    def check(value: Any, path: str, found: Found) -> None:
        if not value:
            return
        if least is not None and value < least:
            found.append(FieldViolation(path, f"must be at least {least}"))
        elif most is not None and value > most:
            found.append(FieldViolation(path, f"must be at most {most}"))

    return check


def _enum_check(known: frozenset[int]) -> Check:
    def check(value: Any, path: str, found: Found) -> None:
        if value is not None and value not in known:
            found.append(FieldViolation(path, f"has no value {value}"))

    return check


def _check_timestamp(value: Any, path: str, found: Found) -> None:
    if value is not None and not (
        FIRST_SECOND <= value.seconds <= LAST_SECOND and 0 <= value.nanos < NANOS_IN_SECOND
    ):
        found.append(FieldViolation(path, "must be between the years 1 and 9999"))


def _check_duration(value: Any, path: str, found: Found) -> None:
    if value is not None and not (
        abs(value.seconds) <= LONGEST_DURATION_SECONDS and abs(value.nanos) < NANOS_IN_SECOND
    ):
        found.append(FieldViolation(path, "must be a duration of at most 10,000 years"))


def _is_date(text: str) -> bool:
    if not DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_time_zone(text: str) -> bool:
    return text in available_timezones() and ZoneInfo(text) is not None


FORMATS: dict[int, tuple[Callable[[str], object], str]] = {
    validate_pb2.STRING_FORMAT_UUID: (UUID.fullmatch, "a UUID"),
    validate_pb2.STRING_FORMAT_DATE: (_is_date, "a calendar date such as 2026-11-21"),
    validate_pb2.STRING_FORMAT_TIME_ZONE: (_is_time_zone, "an IANA time zone"),
    validate_pb2.STRING_FORMAT_CURRENCY: (CURRENCY.fullmatch, "an ISO 4217 code such as EUR"),
    validate_pb2.STRING_FORMAT_TENANT_ID: (
        TENANT_ID.fullmatch,
        "a tenant id of a-z, 0-9, _ and -",
    ),
}
