from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from core.context import Context
from core.failures import RefusedError
from core.jobs.job import Job
from core.page import PageRequest
from core.platform.unit_of_work import UnitOfWork
from core.reasons import Reason
from core.records import customer_store, invoice_store, list_invoices
from core.records.batch import BatchStored
from core.records.customer import Customer
from core.records.invoice import Invoice, InvoiceKind, InvoiceLine, InvoiceStatus
from core.records.list_invoices import InvoicesOf
from core.records.product import Product
from core.records.use_cases import Records, records_use_cases
from core.result import Err, Ok, Result
from tests.conftest import Databases, context_of


@pytest.fixture
def records(databases: Databases) -> Records:
    def submit(unit: UnitOfWork, **_order: Any) -> Job:
        raise NotImplementedError

    return records_use_cases(databases.app, submit)


def lines(*skus: str) -> tuple[InvoiceLine, ...]:
    return tuple(InvoiceLine(n, sku, f"A {sku}", 2, 150, 300) for n, sku in enumerate(skus, 1))


def invoice(number: str, *skus: str, customer: str = "7") -> Invoice:
    return Invoice(
        number=number,
        customer_external_id=customer,
        issued_at=datetime(2021, 1, 1, 12, 30, 15, 123456, tzinfo=UTC),
        currency="EUR",
        kind=InvoiceKind.SALE,
        status=InvoiceStatus.OPEN,
        country="DE",
        lines=lines(*(skus or ("X",))),
    )


def value(result: Result[Any]) -> Any:
    assert isinstance(result, Ok), result
    return result.value


def reason(result: Result[Any]) -> Reason:
    assert isinstance(result, Err), result
    return result.failure.reason


def timeless(record: Any) -> Any:
    assert record.created_at is not None
    return dataclasses.replace(record, created_at=None, updated_at=None)


def test_customers_come_back_as_they_were_stored(records: Records, acme: Context) -> None:
    customer = Customer("7", "Zoë", "zoe@example.org", "NL", {"tier": "gold"})
    stored = value(records.upsert_customers(acme, [customer, Customer("8")]))
    assert stored == BatchStored(2, (), acme.correlation_id)
    assert timeless(value(records.get_customer(acme, "7"))) == customer


def test_a_stored_customer_is_replaced_and_keeps_its_time_of_creation(
    records: Records, acme: Context
) -> None:
    value(records.upsert_customers(acme, [Customer("7", "Old", attributes={"a": "b"})]))
    before = value(records.get_customer(acme, "7"))
    value(records.upsert_customers(acme, [Customer("7", "New")]))
    after = value(records.get_customer(acme, "7"))
    assert (after.name, after.attributes, after.created_at) == ("New", {}, before.created_at)
    assert after.updated_at > before.updated_at


def test_of_two_items_with_one_key_the_later_is_kept(records: Records, acme: Context) -> None:
    products = [Product("A", "first"), Product("B"), Product("A", "last")]
    assert value(records.upsert_products(acme, products)).stored == 2
    assert value(records.get_product(acme, "A")).name == "last"


def test_items_that_cannot_be_stored_are_named_and_the_others_stored(
    records: Records, acme: Context
) -> None:
    good = invoice("1")
    bad = dataclasses.replace(good, number="2", lines=())
    huge = dataclasses.replace(good.lines[0], amount_minor=10**15)
    stored = value(
        records.upsert_invoices(
            acme, [bad, good, dataclasses.replace(good, number="3", lines=(huge, huge))]
        )
    )
    assert stored.stored == 1
    assert [place for place, _ in stored.failures] == [0, 2]
    assert {failure.reason for _, failure in stored.failures} == {Reason.FIELDS_INVALID}
    assert [fault.field for fault in stored.failures[0][1].fields] == ["lines"]
    assert timeless(value(records.get_invoice(acme, "1"))) == good


@pytest.mark.parametrize("bad", [Customer(""), Customer("a\x00b"), Customer("1", "x" * 501)])
def test_a_batch_without_a_good_item_stores_nothing(
    records: Records, acme: Context, bad: Customer
) -> None:
    assert value(records.upsert_customers(acme, [bad])).stored == 0
    assert value(records.list_customers(acme, PageRequest())).items == []


def test_an_invoice_creates_the_customers_and_products_it_names(
    records: Records, acme: Context
) -> None:
    value(records.upsert_customers(acme, [Customer("7", "Known")]))
    value(records.upsert_invoices(acme, [invoice("1", "A"), invoice("2", "B", customer="8")]))
    assert value(records.get_customer(acme, "7")).name == "Known"
    assert value(records.get_customer(acme, "8")).country == "DE"
    assert value(records.get_product(acme, "A")).name == "A A"


def test_a_customer_without_invoices_is_deleted(records: Records, acme: Context) -> None:
    value(records.upsert_customers(acme, [Customer("7"), Customer("8")]))
    assert value(records.delete_customer(acme, "7")) is None
    assert reason(records.get_customer(acme, "7")) is Reason.RESOURCE_NOT_FOUND
    assert value(records.get_customer(acme, "8")).external_id == "8"


@pytest.mark.parametrize("key", ["nobody", "a\x00b"])
def test_a_customer_that_is_not_there_cannot_be_deleted(
    records: Records, acme: Context, globex: Context, key: str
) -> None:
    value(records.upsert_customers(globex, [Customer("nobody")]))
    assert reason(records.delete_customer(acme, key)) is Reason.RESOURCE_NOT_FOUND
    assert value(records.get_customer(globex, "nobody")).external_id == "nobody"


def test_a_customer_with_invoices_is_not_deleted(records: Records, acme: Context) -> None:
    value(records.upsert_invoices(acme, [invoice("1", customer="7")]))
    refused = records.delete_customer(acme, "7")
    assert reason(refused) is Reason.CUSTOMER_HAS_INVOICES
    assert isinstance(refused, Err)
    assert refused.failure.metadata == {"customer_external_id": "7"}
    assert value(records.get_customer(acme, "7")).external_id == "7"


def test_a_deletion_waits_for_an_invoice_that_is_being_stored(
    records: Records, databases: Databases, acme: Context
) -> None:
    value(records.upsert_customers(acme, [Customer("7")]))
    ends: list[Result[None]] = []
    deletion = threading.Thread(
        target=lambda: ends.append(records.delete_customer(context_of("acme"), "7"))
    )
    with databases.app.begin(acme) as unit:
        customer_store.create_unknown(unit, {"7": "DE", "8": "DE"})
        deletion.start()
        deletion.join(0.3)
        assert deletion.is_alive()
        invoice_store.replace(unit, [invoice("1", customer="7")])
        unit.commit(None)
    deletion.join()
    assert reason(ends[0]) is Reason.CUSTOMER_HAS_INVOICES


def test_an_invoice_creates_anew_a_customer_that_is_being_deleted(
    records: Records, databases: Databases, acme: Context
) -> None:
    value(records.upsert_customers(acme, [Customer("7", "Known")]))
    ends: list[Result[BatchStored]] = []
    storing = threading.Thread(
        target=lambda: ends.append(records.upsert_invoices(context_of("acme"), [invoice("1")]))
    )
    with databases.app.begin(acme) as unit:
        assert customer_store.lock(unit, "7")
        storing.start()
        storing.join(0.3)
        assert storing.is_alive()
        customer_store.delete(unit, "7")
        unit.commit(None)
    storing.join()
    assert value(ends[0]).stored == 1
    assert value(records.get_customer(acme, "7")).name == ""


def test_replacing_an_invoice_replaces_its_lines(records: Records, acme: Context) -> None:
    value(records.upsert_invoices(acme, [invoice("1", "A", "B", "C"), invoice("2")]))
    value(records.upsert_invoices(acme, [invoice("1", "D")]))
    found = value(records.get_invoice(acme, "1"))
    assert [line.sku for line in found.lines] == ["D"]
    assert (found.total_minor, found.units) == (300, 2)
    assert timeless(value(records.get_invoice(acme, "2"))) == invoice("2")


def test_an_anonymous_sale_has_no_customer(records: Records, acme: Context) -> None:
    value(records.upsert_invoices(acme, [invoice("1", customer="")]))
    assert value(records.get_invoice(acme, "1")).customer_external_id == ""
    assert value(records.list_customers(acme, PageRequest())).items == []


def test_another_tenant_sees_nothing_and_may_use_the_same_keys(
    records: Records, acme: Context, globex: Context
) -> None:
    value(records.upsert_invoices(acme, [invoice("1", "A")]))
    assert reason(records.get_invoice(globex, "1")) is Reason.RESOURCE_NOT_FOUND
    assert reason(records.get_customer(globex, "7")) is Reason.RESOURCE_NOT_FOUND
    assert reason(records.get_product(globex, "A")) is Reason.RESOURCE_NOT_FOUND
    assert value(records.list_invoices(globex, InvoicesOf(PageRequest()))).items == []
    value(records.upsert_invoices(globex, [invoice("1", "B")]))
    assert [line.sku for line in value(records.get_invoice(acme, "1")).lines] == ["A"]


@pytest.mark.parametrize("key", ["nobody", "a\x00b", "", "é"])
def test_what_is_not_there_is_not_found(records: Records, acme: Context, key: str) -> None:
    for get in (records.get_customer, records.get_product, records.get_invoice):
        assert reason(get(acme, key)) is Reason.RESOURCE_NOT_FOUND


def pages(records: Records, context: Context, size: int, customer: str = "") -> list[list[str]]:
    found: list[list[str]] = []
    token = ""
    while True:
        page = value(records.list_invoices(context, InvoicesOf(PageRequest(size, token), customer)))
        found.append([item.number for item in page.items])
        token = page.next_token
        if not token:
            return found


def test_pages_hold_every_invoice_once_in_order(records: Records, acme: Context) -> None:
    numbers = [f"{n:02}" for n in range(7)]
    value(records.upsert_invoices(acme, [invoice(n, "A", "B") for n in reversed(numbers)]))
    assert pages(records, acme, 3) == [numbers[:3], numbers[3:6], numbers[6:]]
    assert pages(records, acme, 7) == [numbers]
    assert pages(records, acme, 500) == [numbers]


def test_a_page_ends_early_before_it_has_too_many_lines(
    records: Records, acme: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_invoices, "MAX_LINES", 5)
    value(records.upsert_invoices(acme, [invoice(str(n), "A", "B", "C") for n in range(3)]))
    value(records.upsert_invoices(acme, [invoice("3"), invoice("4")]))
    assert pages(records, acme, 50) == [["0"], ["1"], ["2", "3", "4"]]
    assert len(value(records.list_invoices(acme, InvoicesOf(PageRequest()))).items[0].lines) == 3


def test_invoices_are_listed_by_customer(records: Records, acme: Context) -> None:
    value(
        records.upsert_invoices(
            acme, [invoice(str(n), customer="7" if n % 2 else "8") for n in range(6)]
        )
    )
    assert pages(records, acme, 2, "7") == [["1", "3"], ["5"]]
    assert pages(records, acme, 2, "a\x00b") == [[]]


def test_customers_and_products_are_listed_by_key(records: Records, acme: Context) -> None:
    value(records.upsert_customers(acme, [Customer(key) for key in "cab"]))
    value(records.upsert_products(acme, [Product(key) for key in "cab"]))
    first = value(records.list_customers(acme, PageRequest(2)))
    assert [item.external_id for item in first.items] == ["a", "b"]
    second = value(records.list_customers(acme, PageRequest(2, first.next_token)))
    assert [item.external_id for item in second.items] == ["c"]
    assert second.next_token == ""
    products = value(records.list_products(acme, PageRequest(2)))
    assert [item.sku for item in products.items] == ["a", "b"]


def test_a_token_of_another_list_is_refused(records: Records, acme: Context) -> None:
    value(records.upsert_customers(acme, [Customer(key) for key in "abc"]))
    token = value(records.list_customers(acme, PageRequest(1))).next_token
    for refused in (
        lambda: records.list_products(acme, PageRequest(1, token)),
        lambda: records.list_invoices(acme, InvoicesOf(PageRequest(1, token), "7")),
    ):
        with pytest.raises(RefusedError) as refusal:
            refused()
        assert refusal.value.failure.reason is Reason.PAGE_TOKEN_INVALID


def test_batches_in_opposite_order_do_not_wait_for_each_other(records: Records) -> None:
    numbers = [f"{n:03}" for n in range(200)]
    results: list[Result[BatchStored]] = []

    def store(order: Sequence[str]) -> None:
        for _ in range(5):
            batch = [invoice(n, f"S{n}", customer=f"C{n}") for n in order]
            results.append(records.upsert_invoices(context_of("acme"), batch))

    threads = [threading.Thread(target=store, args=(order,)) for order in (numbers, numbers[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [value(result).stored for result in results] == [200] * 10
