"""Checks that the rules of the contract are enforced as they are written there."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message

from core.failures import FieldViolation
from howdah.jobs.v1 import jobs_pb2
from howdah.node.v1 import node_pb2
from howdah.records.v1 import records_pb2
from howdah.tenants.v1 import tenants_pb2
from howdah.webhooks.v1 import webhooks_pb2
from server.validation import Validator

UUID = "0198f6d2-0000-7000-8000-000000000000"


def violations(message: Message) -> list[tuple[str, str]]:
    found: list[FieldViolation] = []
    Validator().compile(type(message))(message, "", found)
    return [(violation.field, violation.description) for violation in found]


def an_invoice(**changes: object) -> records_pb2.Invoice:
    invoice = records_pb2.Invoice(
        number="1",
        currency="EUR",
        kind=records_pb2.INVOICE_KIND_SALE,
        status=records_pb2.INVOICE_STATUS_PAID,
        lines=[records_pb2.InvoiceLine(sku="A", quantity=1, unit_price_minor=100)],
    )
    invoice.issue_time.FromJsonString("2026-11-21T00:00:00Z")
    for name, value in changes.items():
        setattr(invoice, name, value)
    return invoice


def test_a_message_that_keeps_the_rules_has_no_violation() -> None:
    request = records_pb2.BatchUpsertInvoicesRequest(invoices=[an_invoice()])

    assert violations(request) == []


def test_a_violation_names_the_path_of_the_field() -> None:
    bad = an_invoice()
    bad.lines[0].quantity = -1
    request = records_pb2.BatchUpsertInvoicesRequest(invoices=[an_invoice(), bad])

    assert violations(request) == [("invoices[1].lines[0].quantity", "must be at least 1")]


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (jobs_pb2.GetJobRequest(), "job_id"),
        (jobs_pb2.GetJobRequest(job_id="not-a-uuid"), "job_id"),
        (jobs_pb2.ListJobsRequest(page_size=501), "page_size"),
        (jobs_pb2.ListJobsRequest(page_size=-1), "page_size"),
        (jobs_pb2.ListJobsRequest(state=99), "state"),  # type: ignore[arg-type]
        (jobs_pb2.CancelJobRequest(job_id=UUID, idempotency_key="short"), "idempotency_key"),
        (jobs_pb2.CancelJobRequest(job_id=UUID, idempotency_key="ü" * 20), "idempotency_key"),
        (node_pb2.PingRequest(message="x" * 1025), "message"),
        (node_pb2.PingRequest(message="a\x00b"), "message"),
        (tenants_pb2.CreateTenantRequest(tenant_id="ACME"), "tenant_id"),
        (tenants_pb2.CreateTenantRequest(tenant_id="a", time_zone="Mars/North"), "time_zone"),
        (tenants_pb2.CreateTenantRequest(tenant_id="a", currency="eur"), "currency"),
        (records_pb2.BatchUpsertInvoicesRequest(), "invoices"),
    ],
)
def test_a_broken_rule_is_found(message: Message, field: str) -> None:
    assert [name for name, _ in violations(message)] == [field]


def test_a_time_no_calendar_has_is_found() -> None:
    invoice = an_invoice()
    invoice.issue_time.seconds = 10**15

    assert violations(records_pb2.BatchUpsertInvoicesRequest(invoices=[invoice])) == [
        ("invoices[0].issue_time", "must be between the years 1 and 9999")
    ]


def test_a_missing_message_that_is_required_is_found() -> None:
    request = records_pb2.StartImportRequest(file_id=UUID)

    assert ("mapping", "is required") in violations(request)


def test_too_large_maps_and_their_entries_are_found() -> None:
    many = records_pb2.Customer(external_id="1", attributes={str(n): "x" for n in range(51)})
    long = records_pb2.Customer(external_id="1", attributes={"k": "x" * 1001})

    assert violations(many) == [("attributes", "must have at most 50 entries")]
    assert violations(long) == [("attributes['k']", "must have at most 1000 characters")]


def test_an_absent_optional_field_is_not_looked_at() -> None:
    line = records_pb2.InvoiceLine(sku="A", quantity=1)

    assert violations(line) == []


def test_an_absent_message_is_not_looked_into_and_one_that_is_there_is() -> None:
    request = webhooks_pb2.CreateEndpointRequest(url="https://receiver.example")
    assert violations(request) == []

    request.filter.event_types.append("job.unheard")
    assert [field for field, _ in violations(request)] == ["filter.event_types[0]"]


def test_the_number_of_violations_is_bounded() -> None:
    request = records_pb2.BatchUpsertInvoicesRequest(
        invoices=[records_pb2.Invoice() for _ in range(1000)]
    )

    assert len(violations(request)) < 120
