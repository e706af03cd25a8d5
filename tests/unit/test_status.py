"""Checks what a failure looks like on the wire."""

from __future__ import annotations

import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2

from core.failures import Failure, FieldViolation, fields_invalid, not_found
from core.reasons import Reason
from server.status import status_details


def details(failure: Failure) -> tuple[status_pb2.Status, dict[str, object]]:
    status = status_pb2.Status.FromString(status_details(failure, "c-1"))
    found: dict[str, object] = {}
    for packed in status.details:
        name = packed.type_url.rsplit(".", 1)[-1]
        assert name not in found, "AIP-193: each type of detail at most once"
        message = getattr(error_details_pb2, name)()
        packed.Unpack(message)
        found[name] = message
    return status, found


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
def test_every_failure_has_its_reason_and_the_correlation_id(reason: Reason) -> None:
    status, found = details(Failure(reason, "A sentence.", {"key": "value"}, retry_after_ms=1500))

    info = found["ErrorInfo"]
    assert isinstance(info, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain, dict(info.metadata)) == (
        reason.name,
        "howdah",
        {"key": "value"},
    )
    request = found["RequestInfo"]
    assert isinstance(request, error_details_pb2.RequestInfo)
    assert request.request_id == "c-1"
    retry = found["RetryInfo"]
    assert isinstance(retry, error_details_pb2.RetryInfo)
    assert retry.retry_delay.ToMilliseconds() == 1500
    assert status.code == code_pb2.Code.Value(reason.code)


def test_wrong_fields_are_listed() -> None:
    _, found = details(fields_invalid([FieldViolation("a.b", "is required")]))

    bad = found["BadRequest"]
    assert isinstance(bad, error_details_pb2.BadRequest)
    assert [(v.field, v.description) for v in bad.field_violations] == [("a.b", "is required")]


def test_a_missing_resource_is_named() -> None:
    _, found = details(not_found("job", "42"))

    resource = found["ResourceInfo"]
    assert isinstance(resource, error_details_pb2.ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == ("job", "42")


def test_details_stay_under_8_kb_whatever_the_failure_holds() -> None:
    failure = Failure(
        Reason.FIELDS_INVALID,
        "x" * 100_000,
        {f"k{n}": "v" * 1000 for n in range(100)},
        tuple(FieldViolation("f" * 1000, "d" * 1000) for _ in range(100)),
    )

    assert len(status_details(failure, "c-1")) < 8_000
