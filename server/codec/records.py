"""Turns messages of records into commands, and records into messages."""

from __future__ import annotations

from collections.abc import Sequence

from core.jobs.job import Job
from core.page import Page, PageRequest
from core.records.batch import BatchStored
from core.records.customer import Customer
from core.records.import_mapping import ImportFormat, ImportGrouping, ImportMapping
from core.records.invoice import Invoice, InvoiceKind, InvoiceLine, InvoiceStatus
from core.records.list_invoices import InvoicesOf
from core.records.product import Product
from core.records.start_import import ImportOrder
from howdah.records.v1 import records_pb2 as pb
from server.codec.common import item_errors, time_of, timestamp
from server.codec.jobs import job_message

KIND = "INVOICE_KIND_"
STATUS = "INVOICE_STATUS_"
FORMAT = "IMPORT_FORMAT_"
GROUPING = "IMPORT_GROUPING_"


def customers(request: pb.BatchUpsertCustomersRequest) -> Sequence[Customer]:
    """Reads the customers of a batch."""
    return [
        Customer(
            external_id=item.external_id,
            name=item.name,
            email=item.email,
            country=item.country,
            attributes=dict(item.attributes),
        )
        for item in request.customers
    ]


def products(request: pb.BatchUpsertProductsRequest) -> Sequence[Product]:
    """Reads the products of a batch."""
    return [Product(item.sku, item.name, item.category) for item in request.products]


def invoices(request: pb.BatchUpsertInvoicesRequest) -> Sequence[Invoice]:
    """Reads the invoices of a batch; refuses with FIELDS_INVALID a time no calendar has."""
    return [
        Invoice(
            number=item.number,
            customer_external_id=item.customer_external_id,
            issued_at=time_of(item.issue_time, f"invoices[{place}].issue_time"),
            currency=item.currency,
            kind=InvoiceKind[pb.InvoiceKind.Name(item.kind).removeprefix(KIND)],
            status=InvoiceStatus[pb.InvoiceStatus.Name(item.status).removeprefix(STATUS)],
            country=item.country,
            lines=tuple(_line(number, line) for number, line in enumerate(item.lines, 1)),
        )
        for place, item in enumerate(request.invoices)
    ]


def _line(number: int, line: pb.InvoiceLine) -> InvoiceLine:
    amount = line.quantity * line.unit_price_minor
    return InvoiceLine(
        line_number=number,
        sku=line.sku,
        description=line.description,
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        amount_minor=line.amount_minor if line.HasField("amount_minor") else amount,
    )


def import_order(request: pb.StartImportRequest) -> ImportOrder:
    """Reads the order of an import."""
    mapping = request.mapping
    form = pb.ImportFormat.Name(mapping.format).removeprefix(FORMAT)
    grouping = pb.ImportGrouping.Name(mapping.grouping).removeprefix(GROUPING)
    return ImportOrder(
        request.file_id.lower(),
        ImportMapping(
            format=ImportFormat[form],
            grouping=ImportGrouping[grouping],
            fields=dict(mapping.fields),
            constants=dict(mapping.constants),
            columns=tuple(mapping.columns),
            date_format=mapping.date_format,
            time_zone=mapping.time_zone,
            currency=mapping.currency,
            credit_note_prefix=mapping.credit_note_prefix,
            encoding=mapping.encoding or "utf-8",
        ),
    )


def external_id(request: pb.GetCustomerRequest | pb.DeleteCustomerRequest) -> str:
    """Reads which customer is meant."""
    return request.external_id


def sku(request: pb.GetProductRequest) -> str:
    """Reads which product is asked for."""
    return request.sku


def number(request: pb.GetInvoiceRequest) -> str:
    """Reads which invoice is asked for."""
    return request.number


def page(request: pb.ListCustomersRequest | pb.ListProductsRequest) -> PageRequest:
    """Reads which page is asked for."""
    return PageRequest(request.page_size, request.page_token)


def invoices_of(request: pb.ListInvoicesRequest) -> InvoicesOf:
    """Reads which page of whose invoices is asked for."""
    return InvoicesOf(
        PageRequest(request.page_size, request.page_token), request.customer_external_id
    )


def customer(value: Customer) -> pb.Customer:
    """Writes a customer."""
    return pb.Customer(
        external_id=value.external_id,
        name=value.name,
        email=value.email,
        country=value.country,
        attributes=value.attributes,
        create_time=timestamp(value.created_at),
        update_time=timestamp(value.updated_at),
    )


def product(value: Product) -> pb.Product:
    """Writes a product."""
    return pb.Product(
        sku=value.sku,
        name=value.name,
        category=value.category,
        create_time=timestamp(value.created_at),
        update_time=timestamp(value.updated_at),
    )


def invoice(value: Invoice) -> pb.Invoice:
    """Writes an invoice with its lines."""
    return pb.Invoice(
        number=value.number,
        customer_external_id=value.customer_external_id,
        issue_time=timestamp(value.issued_at),
        currency=value.currency,
        kind=pb.InvoiceKind.Value(f"{KIND}{value.kind.name}"),
        status=pb.InvoiceStatus.Value(f"{STATUS}{value.status.name}"),
        country=value.country,
        lines=[
            pb.InvoiceLine(
                sku=line.sku,
                description=line.description,
                quantity=line.quantity,
                unit_price_minor=line.unit_price_minor,
                amount_minor=line.amount_minor,
            )
            for line in value.lines
        ],
        total_minor=value.total_minor,
        create_time=timestamp(value.created_at),
        update_time=timestamp(value.updated_at),
    )


def customers_stored(value: BatchStored) -> pb.BatchUpsertCustomersResponse:
    """Answers BatchUpsertCustomers."""
    return pb.BatchUpsertCustomersResponse(
        stored=value.stored, errors=item_errors(value.failures, value.correlation_id)
    )


def products_stored(value: BatchStored) -> pb.BatchUpsertProductsResponse:
    """Answers BatchUpsertProducts."""
    return pb.BatchUpsertProductsResponse(
        stored=value.stored, errors=item_errors(value.failures, value.correlation_id)
    )


def invoices_stored(value: BatchStored) -> pb.BatchUpsertInvoicesResponse:
    """Answers BatchUpsertInvoices."""
    return pb.BatchUpsertInvoicesResponse(
        stored=value.stored, errors=item_errors(value.failures, value.correlation_id)
    )


def customer_found(value: Customer) -> pb.GetCustomerResponse:
    """Answers GetCustomer."""
    return pb.GetCustomerResponse(customer=customer(value))


def product_found(value: Product) -> pb.GetProductResponse:
    """Answers GetProduct."""
    return pb.GetProductResponse(product=product(value))


def invoice_found(value: Invoice) -> pb.GetInvoiceResponse:
    """Answers GetInvoice."""
    return pb.GetInvoiceResponse(invoice=invoice(value))


def customers_listed(value: Page[Customer]) -> pb.ListCustomersResponse:
    """Answers ListCustomers."""
    return pb.ListCustomersResponse(
        customers=[customer(item) for item in value.items], next_page_token=value.next_token
    )


def customer_deleted(_value: None) -> pb.DeleteCustomerResponse:
    """Answers DeleteCustomer."""
    return pb.DeleteCustomerResponse()


def products_listed(value: Page[Product]) -> pb.ListProductsResponse:
    """Answers ListProducts."""
    return pb.ListProductsResponse(
        products=[product(item) for item in value.items], next_page_token=value.next_token
    )


def invoices_listed(value: Page[Invoice]) -> pb.ListInvoicesResponse:
    """Answers ListInvoices."""
    return pb.ListInvoicesResponse(
        invoices=[invoice(item) for item in value.items], next_page_token=value.next_token
    )


def import_started(value: Job) -> pb.StartImportResponse:
    """Answers StartImport."""
    return pb.StartImportResponse(job=job_message(value))
