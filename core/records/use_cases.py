"""Joins what can be done with records."""

from __future__ import annotations

from dataclasses import dataclass

from core.files import store as file_store
from core.files.use_cases import Files
from core.jobs.kind import JobKind
from core.platform.database import Database
from core.records.delete_customer import DeleteCustomer
from core.records.get_customer import GetCustomer
from core.records.get_invoice import GetInvoice
from core.records.get_product import GetProduct
from core.records.import_payload import check_payload
from core.records.import_records import ImportRecords
from core.records.list_customers import ListCustomers
from core.records.list_invoices import ListInvoices
from core.records.list_products import ListProducts
from core.records.start_import import KIND, StartImport, Submit
from core.records.upsert_customers import UpsertCustomers
from core.records.upsert_invoices import UpsertInvoices
from core.records.upsert_products import UpsertProducts


@dataclass(frozen=True, slots=True)
class Records:
    """Holds the use cases of customers, products, invoices and their import."""

    upsert_customers: UpsertCustomers
    get_customer: GetCustomer
    list_customers: ListCustomers
    delete_customer: DeleteCustomer
    upsert_products: UpsertProducts
    get_product: GetProduct
    list_products: ListProducts
    upsert_invoices: UpsertInvoices
    get_invoice: GetInvoice
    list_invoices: ListInvoices
    start_import: StartImport


def records_use_cases(database: Database, submit: Submit) -> Records:
    """Returns the use cases of records over one database."""
    return Records(
        upsert_customers=UpsertCustomers(database),
        get_customer=GetCustomer(database),
        list_customers=ListCustomers(database),
        delete_customer=DeleteCustomer(database),
        upsert_products=UpsertProducts(database),
        get_product=GetProduct(database),
        list_products=ListProducts(database),
        upsert_invoices=UpsertInvoices(database),
        get_invoice=GetInvoice(database),
        list_invoices=ListInvoices(database),
        start_import=StartImport(database, file_store.lock, submit),
    )


def import_kind(files: Files) -> JobKind:
    """Returns the kind of job that imports a file."""
    return JobKind(
        KIND,
        ImportRecords(files.open, files.keeper),
        time_limit_seconds=3_600.0,
        check_payload=check_payload,
    )
