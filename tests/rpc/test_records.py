from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from google.protobuf.message import Message

from howdah.analytics.v1 import analytics_pb2
from howdah.files.v1 import files_pb2
from howdah.jobs.v1 import jobs_pb2
from howdah.records.v1 import records_pb2 as pb
from tests.rpc.conftest import Answer, Caller, RunningNode, an_idempotency_key

RECORDS = "/howdah.records.v1.RecordsService"
ANALYTICS = "/howdah.analytics.v1.AnalyticsService"
FILES = "/howdah.files.v1.FilesService"
M = TypeVar("M", bound=Message)


def answered(answer: Answer, response: type[M]) -> M:
    assert answer.code == "OK", answer
    message = response()
    message.ParseFromString(answer.messages[0])
    return message


def invoice(number: str, **fields: object) -> pb.Invoice:
    message = pb.Invoice(
        number=number,
        customer_external_id="7",
        currency="USD",
        kind=pb.INVOICE_KIND_SALE,
        status=pb.INVOICE_STATUS_PAID,
        country="DE",
        lines=[
            pb.InvoiceLine(sku="A", description="A thing", quantity=3, unit_price_minor=50),
            pb.InvoiceLine(sku="B", quantity=2, unit_price_minor=50, amount_minor=75),
        ],
    )
    message.issue_time.FromDatetime(datetime(2021, 1, 15, 12, 0, 0, 250_000, tzinfo=UTC))
    message.MergeFrom(pb.Invoice(**fields))  # type: ignore[arg-type]
    return message


def store(caller: Caller, *invoices: pb.Invoice) -> pb.BatchUpsertInvoicesResponse:
    request = pb.BatchUpsertInvoicesRequest(invoices=invoices)
    answer = caller.call(f"{RECORDS}/BatchUpsertInvoices", request)
    return answered(answer, pb.BatchUpsertInvoicesResponse)


def test_an_invoice_comes_back_as_it_was_sent(running: RunningNode) -> None:
    sent = invoice("back-1")
    assert store(running.acme, sent).stored == 1
    request = pb.GetInvoiceRequest(number="back-1")
    answer = running.acme.call(f"{RECORDS}/GetInvoice", request)
    found = answered(answer, pb.GetInvoiceResponse).invoice
    assert found.total_minor == 225
    assert found.HasField("create_time")
    assert found.HasField("update_time")
    assert found.lines[0].amount_minor == 150
    for field in ("total_minor", "create_time", "update_time"):
        found.ClearField(field)
    sent.lines[0].amount_minor = 150
    assert found == sent


def test_customers_and_products_come_back_as_they_were_sent(running: RunningNode) -> None:
    customer = pb.Customer(external_id="c-1", name="Zoë", attributes={"tier": "gold"})
    product = pb.Product(sku="p-1", name="Thing", category="Things")
    answered(
        running.acme.call(
            f"{RECORDS}/BatchUpsertCustomers", pb.BatchUpsertCustomersRequest(customers=[customer])
        ),
        pb.BatchUpsertCustomersResponse,
    )
    answered(
        running.acme.call(
            f"{RECORDS}/BatchUpsertProducts", pb.BatchUpsertProductsRequest(products=[product])
        ),
        pb.BatchUpsertProductsResponse,
    )
    one = running.acme.call(f"{RECORDS}/GetCustomer", pb.GetCustomerRequest(external_id="c-1"))
    found = answered(one, pb.GetCustomerResponse).customer
    assert (found.name, dict(found.attributes)) == ("Zoë", {"tier": "gold"})
    other = running.acme.call(f"{RECORDS}/GetProduct", pb.GetProductRequest(sku="p-1"))
    assert answered(other, pb.GetProductResponse).product.category == "Things"


def test_a_customer_is_deleted_once_and_a_repeat_is_answered_alike(running: RunningNode) -> None:
    customers = [pb.Customer(external_id="gone")]
    upsert = pb.BatchUpsertCustomersRequest(customers=customers)
    answered(
        running.acme.call(f"{RECORDS}/BatchUpsertCustomers", upsert),
        pb.BatchUpsertCustomersResponse,
    )
    request = pb.DeleteCustomerRequest(external_id="gone", idempotency_key=an_idempotency_key())
    for _ in range(2):
        answered(running.acme.call(f"{RECORDS}/DeleteCustomer", request), pb.DeleteCustomerResponse)
    without_key = pb.DeleteCustomerRequest(external_id="gone")
    again = running.acme.call(f"{RECORDS}/DeleteCustomer", without_key)
    assert (again.code, again.reason) == ("NOT_FOUND", "RESOURCE_NOT_FOUND")


def test_a_customer_with_invoices_is_not_deleted(running: RunningNode) -> None:
    store(running.acme, invoice("keeps", customer_external_id="kept"))
    request = pb.DeleteCustomerRequest(external_id="kept")
    refused = running.acme.call(f"{RECORDS}/DeleteCustomer", request)
    assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "CUSTOMER_HAS_INVOICES")


def test_an_item_that_cannot_be_stored_is_reported_by_its_place(running: RunningNode) -> None:
    early = invoice("early")
    early.issue_time.FromDatetime(datetime(1500, 1, 1, tzinfo=UTC))
    stored = store(running.acme, invoice("fine"), early)
    assert stored.stored == 1
    assert [error.index for error in stored.errors] == [1]
    error = stored.errors[0].error
    assert (error.code, error.reason) == ("INVALID_ARGUMENT", "FIELDS_INVALID")
    assert error.fields[0].field == "issue_time"
    assert error.correlation_id


def test_lists_go_on_where_the_token_says(running: RunningNode) -> None:
    names = [f"list-{n}" for n in range(5)]
    store(running.globex, *(invoice(name, customer_external_id="lister") for name in names))
    found: list[str] = []
    token = ""
    while True:
        request = pb.ListInvoicesRequest(
            page_size=2, page_token=token, customer_external_id="lister"
        )
        answer = running.globex.call(f"{RECORDS}/ListInvoices", request)
        page = answered(answer, pb.ListInvoicesResponse)
        found += [item.number for item in page.invoices]
        token = page.next_page_token
        if not token:
            break
    assert found == names


def test_a_repeated_batch_is_answered_from_memory(running: RunningNode) -> None:
    request = pb.BatchUpsertInvoicesRequest(
        invoices=[invoice("again")], idempotency_key=an_idempotency_key()
    )
    first = running.acme.call(f"{RECORDS}/BatchUpsertInvoices", request)
    second = running.acme.call(f"{RECORDS}/BatchUpsertInvoices", request)
    assert first.messages == second.messages


def upload(caller: Caller, content: bytes, *, complete: bool = True) -> str:
    created = answered(
        caller.call(
            f"{FILES}/CreateUpload",
            files_pb2.CreateUploadRequest(filename="rows.csv", media_type="text/csv"),
        ),
        files_pb2.CreateUploadResponse,
    )
    file_id = created.file.file_id
    answered(
        caller.call(
            f"{FILES}/AppendUpload", files_pb2.AppendUploadRequest(file_id=file_id, data=content)
        ),
        files_pb2.AppendUploadResponse,
    )
    if complete:
        digest = hashlib.sha256(content).hexdigest()
        request = files_pb2.CompleteUploadRequest(
            file_id=file_id, size_bytes=len(content), sha256=digest
        )
        answered(caller.call(f"{FILES}/CompleteUpload", request), files_pb2.CompleteUploadResponse)
    return file_id


def start_import(caller: Caller, file_id: str, **mapping: object) -> Answer:
    columns = ("number", "issue_time", "sku", "quantity", "unit_price")
    request = pb.StartImportRequest(
        file_id=file_id,
        mapping=pb.ImportMapping(
            format=pb.IMPORT_FORMAT_CSV,
            grouping=pb.IMPORT_GROUPING_ROWS_SHARE_NUMBER,
            fields={name: name for name in columns},
        ),
        idempotency_key=an_idempotency_key(),
    )
    request.mapping.MergeFrom(pb.ImportMapping(**mapping))  # type: ignore[arg-type]
    return caller.call(f"{RECORDS}/StartImport", request)


def test_an_import_answers_with_its_job(running: RunningNode) -> None:
    file_id = upload(running.acme, b"number,issue_time,sku,quantity,unit_price\n")
    job = answered(start_import(running.acme, file_id), pb.StartImportResponse).job
    assert job.kind == "records.import"
    assert job.state in {jobs_pb2.JOB_STATE_QUEUED, jobs_pb2.JOB_STATE_DISPATCHED}


def test_an_import_needs_a_complete_file_of_the_tenant(running: RunningNode) -> None:
    incomplete = upload(running.acme, b"number", complete=False)
    assert start_import(running.acme, incomplete).reason == "FILE_NOT_READY"
    foreign = upload(running.globex, b"number")
    assert start_import(running.acme, foreign).reason == "RESOURCE_NOT_FOUND"


def test_a_mapping_that_makes_no_invoices_is_refused_by_field(running: RunningNode) -> None:
    file_id = upload(running.acme, b"number")
    refused = start_import(running.acme, file_id, date_format="%d", constants={"sku": "X"})
    assert refused.reason == "IMPORT_MAPPING_INVALID"
    assert refused.fields == ("mapping.constants.sku", "mapping.date_format")


def test_kpis_are_told_with_series_and_changes(running: RunningNode) -> None:
    caller = running.caller(("globex",), "viewer", "globex")
    store(running.globex, invoice("kpi", currency="CHF"))
    request = analytics_pb2.ComputeKpisRequest(
        start_date="2021-01-11",
        end_date="2021-01-25",
        currency="CHF",
        granularity=analytics_pb2.GRANULARITY_WEEK,
        compare_previous=True,
    )
    found = answered(
        caller.call(f"{ANALYTICS}/ComputeKpis", request), analytics_pb2.ComputeKpisResponse
    )
    assert (found.kpis.gross_revenue_minor, found.kpis.units) == (225, 5)
    assert [(top.key, top.name) for top in found.kpis.top_products] == [
        ("A", "A thing"),
        ("B", "B"),
    ]
    assert [(point.start_date, point.orders) for point in found.kpis.series] == [
        ("2021-01-11", 1),
        ("2021-01-18", 0),
    ]
    assert found.previous.end_date == "2021-01-11"
    assert not found.changes.HasField("gross_revenue")
    cohorts = answered(
        caller.call(
            f"{ANALYTICS}/ComputeCohorts", analytics_pb2.ComputeCohortsRequest(currency="CHF")
        ),
        analytics_pb2.ComputeCohortsResponse,
    ).cohorts
    assert [(cohort.month, cohort.size, list(cohort.active)) for cohort in cohorts] == [
        ("2021-01", 1, [1])
    ]


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("2021-02-30", "2021-03-01", "start_date"),
        ("2021-01-02", "2021-01-02", "end_date"),
        ("2021-01-01", "2031-01-20", "end_date"),
        ("0001-01-01", "0001-01-02", "start_date"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused_by_field(
    running: RunningNode, start: str, end: str, field: str
) -> None:
    request = analytics_pb2.ComputeKpisRequest(start_date=start, end_date=end)
    refused = running.acme.call(f"{ANALYTICS}/ComputeKpis", request)
    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "FIELDS_INVALID")
    assert refused.fields[0] == field
