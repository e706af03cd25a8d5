"""Reads the payload of a `records.import` job, also of one that StartImport did not write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.failures import FieldViolation
from core.jobs.payload import (
    currency,
    faults_of,
    named_texts,
    one_of,
    text,
    texts,
    time_zone,
    uuid,
)
from core.platform.unit_of_work import UnitOfWork
from core.records.import_mapping import (
    ENCODINGS,
    ImportFormat,
    ImportGrouping,
    ImportMapping,
    check,
)

# The limits of howdah.records.v1.ImportMapping.
LONGEST_TEXT, MOST_COLUMNS, MOST_FIELDS = 200, 200, 20

MAPPING_REQUIRED = {
    "format": one_of(*ImportFormat),
    "grouping": one_of(*ImportGrouping),
    "fields": named_texts(MOST_FIELDS),
}
MAPPING_OPTIONAL = {
    "constants": named_texts(MOST_FIELDS),
    "columns": texts(LONGEST_TEXT, MOST_COLUMNS),
    "date_format": text(50),
    "time_zone": time_zone,
    "currency": currency,
    "credit_note_prefix": text(20),
    "encoding": one_of(*sorted(ENCODINGS)),
}


def check_payload(payload: Mapping[str, Any]) -> Sequence[FieldViolation]:
    """Returns what StartImport would refuse, but for the file, which need not be there yet."""
    mapping = payload.get("mapping")
    faults = list(faults_of(payload, {"file_id": uuid, "mapping": _object}, {}))
    if isinstance(mapping, Mapping):
        faults += faults_of(mapping, MAPPING_REQUIRED, MAPPING_OPTIONAL, "mapping.")
    if faults:
        return faults
    failure = check(ImportMapping.from_json(payload["mapping"]))
    return () if failure is None else failure.fields


def settled(unit: UnitOfWork, mapping: ImportMapping) -> ImportMapping:
    """Returns the mapping with the tenant's own values where it leaves them open."""
    tenant = unit.one(
        "SELECT time_zone, currency FROM tenants WHERE tenant_id = :tenant_id",
        {"tenant_id": unit.context.tenant_id},
    )
    assert tenant is not None, "calls and jobs are bound to a tenant that exists"
    return replace(
        mapping,
        time_zone=mapping.time_zone or tenant["time_zone"],
        currency=mapping.currency or tenant["currency"],
    )


def _object(value: Any) -> str | None:
    return None if isinstance(value, Mapping) else "must be an object"
