"""Checks what must hold for every method and every reason of the contract."""

from __future__ import annotations

import importlib
from pathlib import Path

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor

from core.reasons import Reason
from core.tenants.credential import PERMISSIONS
from howdah.policy.v1 import policy_pb2
from server.method import rpc_method
from server.validation import Validator

PROTOS = Path(__file__).parent.parent.parent / "protos"


def methods() -> list[MethodDescriptor]:
    found = []
    for path in sorted(PROTOS.glob("howdah/*/v1/*.proto")):
        name = ".".join(path.relative_to(PROTOS).with_suffix("").parts) + "_pb2"
        descriptor = importlib.import_module(name).DESCRIPTOR
        for service in descriptor.services_by_name.values():
            found += list(service.methods)
    return found


METHODS = methods()


@pytest.mark.parametrize("descriptor", METHODS, ids=lambda method: method.full_name)
def test_every_method_has_a_complete_policy(descriptor: MethodDescriptor) -> None:
    method = rpc_method(descriptor)

    assert method.permission in PERMISSIONS["operator"]
    assert not descriptor.client_streaming
    Validator().compile(method.request)


@pytest.mark.parametrize("descriptor", METHODS, ids=lambda method: method.full_name)
def test_a_method_that_takes_a_key_has_the_field_everywhere_at_the_same_number(
    descriptor: MethodDescriptor,
) -> None:
    method = rpc_method(descriptor)
    field = descriptor.input_type.fields_by_name.get("idempotency_key")

    if method.idempotency == policy_pb2.IDEMPOTENCY_NONE:
        assert field is None
    else:
        assert field is not None
        assert field.number == 15
        assert method.mutates
        assert method.tenant_bound


def test_reading_is_not_called_a_change_and_changing_is() -> None:
    reads = (
        *("Get", "List", "Describe", "Ping", "Compute", "Watch", "Explain", "Wait", "Download"),
        "Preview",
    )

    for descriptor in METHODS:
        assert rpc_method(descriptor).mutates != descriptor.name.startswith(reads)


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
def test_every_reason_has_a_status_of_grpc(reason: Reason) -> None:
    assert reason.code in {code.name for code in grpc.StatusCode}
    assert reason.code != "OK"


def test_no_reason_shares_its_number() -> None:
    assert len({reason.number for reason in Reason}) == len(list(Reason))


def test_what_changes_something_takes_a_key_but_for_the_named_exceptions() -> None:
    # docs/decisions/0013 says why not.
    without = {
        "AppendUpload",
        "CreateCredential",
        "CreateEndpoint",
        "CreateTenant",
        "PauseTenantJobs",
        "ResumeTenantJobs",
        "RevokeCredential",
        "RotateCredential",
        "RotateSecret",
        "SetTenantShare",
    }

    assert {
        descriptor.name
        for descriptor in METHODS
        if rpc_method(descriptor).mutates
        and rpc_method(descriptor).idempotency == policy_pb2.IDEMPOTENCY_NONE
    } == without
