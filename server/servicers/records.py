"""Answers the calls of RecordsService."""

from __future__ import annotations

from core.records.use_cases import Records
from howdah.records.v1 import records_pb2 as pb
from server.codec import records as codec
from server.service import Service, Unary


def records_service(records: Records) -> Service:
    """Returns the table of the service."""
    return Service(
        pb.DESCRIPTOR.services_by_name["RecordsService"],
        {
            "BatchUpsertCustomers": Unary(
                codec.customers, records.upsert_customers, codec.customers_stored
            ),
            "GetCustomer": Unary(codec.external_id, records.get_customer, codec.customer_found),
            "ListCustomers": Unary(codec.page, records.list_customers, codec.customers_listed),
            "DeleteCustomer": Unary(
                codec.external_id, records.delete_customer, codec.customer_deleted
            ),
            "BatchUpsertProducts": Unary(
                codec.products, records.upsert_products, codec.products_stored
            ),
            "GetProduct": Unary(codec.sku, records.get_product, codec.product_found),
            "ListProducts": Unary(codec.page, records.list_products, codec.products_listed),
            "BatchUpsertInvoices": Unary(
                codec.invoices, records.upsert_invoices, codec.invoices_stored
            ),
            "GetInvoice": Unary(codec.number, records.get_invoice, codec.invoice_found),
            "ListInvoices": Unary(codec.invoices_of, records.list_invoices, codec.invoices_listed),
            "StartImport": Unary(codec.import_order, records.start_import, codec.import_started),
        },
    )
