"""Has two tenants attack each other on every RPC; a new RPC is in the table by itself."""

from __future__ import annotations

import secrets
import uuid

import psycopg
import pytest
from google.protobuf.descriptor import MethodDescriptor

from core.result import Ok
from core.tenants.credential import NODE_PERMISSIONS
from core.webhooks.create_endpoint import NewEndpoint
from howdah.records.v1 import records_pb2
from howdah.tenants.v1 import tenants_pb2
from server.method import rpc_method
from tests.conftest import DatabaseUrls, context_of
from tests.rpc.conftest import Answer, RunningNode
from tests.rpc.plausible import request_for
from tests.unit.test_contract import METHODS

# In every value that globex stores; acme must never see it.
MARK = "globex-only-4711"
TENANT_METHODS = [method for method in METHODS if rpc_method(method).tenant_bound]
NODE_METHODS = [method for method in METHODS if not rpc_method(method).tenant_bound]
TABLES = (
    *("customers", "products", "invoices", "invoice_lines", "files", "jobs", "schedules"),
    "batches",
    *("webhook_endpoints", "webhook_messages", "webhook_deliveries", "webhook_attempts"),
)


def path_of(descriptor: MethodDescriptor) -> str:
    return rpc_method(descriptor).path


def each(methods: list[MethodDescriptor]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("descriptor", methods, ids=lambda method: method.full_name)


@pytest.fixture(scope="module")
def victim(running: RunningNode) -> dict[str, str]:
    """Gives globex one of everything, and returns its ids by the field that names them."""
    invoice = records_pb2.Invoice(
        number=f"{MARK}-1",
        customer_external_id=f"{MARK}-c",
        currency="EUR",
        kind=records_pb2.INVOICE_KIND_SALE,
        status=records_pb2.INVOICE_STATUS_PAID,
        country=MARK,
        lines=[records_pb2.InvoiceLine(sku=f"{MARK}-sku", quantity=1, unit_price_minor=1)],
    )
    invoice.issue_time.FromJsonString("2026-01-10T00:00:00Z")
    stored = running.globex.call(
        "/howdah.records.v1.RecordsService/BatchUpsertInvoices",
        records_pb2.BatchUpsertInvoicesRequest(invoices=[invoice]),
    )
    assert stored.code == "OK", stored
    file_id, job_id, batch_id = (str(uuid.uuid4()) for _ in range(3))
    insert_rows(running, file_id=file_id, job_id=job_id, batch_id=batch_id)
    url = f"https://{MARK}.example/hooks"
    endpoint = running.node.webhooks.create(context_of("globex"), NewEndpoint(url, MARK))
    assert isinstance(endpoint, Ok)
    endpoint_id = endpoint.value.endpoint.endpoint_id
    test = running.node.webhooks.test(context_of("globex"), endpoint_id)
    assert isinstance(test, Ok)
    return {
        "endpoint_id": endpoint_id,
        "message_id": test.value.message_id,
        "external_id": f"{MARK}-c",
        "customer_external_id": f"{MARK}-c",
        "sku": f"{MARK}-sku",
        "number": f"{MARK}-1",
        "file_id": file_id,
        "job_id": job_id,
        "batch_id": batch_id,
        "schedule_id": MARK,
    }


def insert_rows(running: RunningNode, *, file_id: str, job_id: str, batch_id: str) -> None:
    """Gives globex what no call makes, or not in a state that lasts."""
    with running.node.database.begin(context_of("globex")) as unit:
        unit.execute(
            "INSERT INTO files (tenant_id, file_id, kind, state, filename, media_type, path,"
            " expires_at) VALUES ('globex', :id, 'upload', 'UPLOADING', :name, 'text/csv',"
            " :path, now() + interval '1 hour')",
            {
                "id": file_id,
                "name": MARK,
                "path": f"tenant_globex/upload/2026/01/{file_id}.csv",
            },
        )
        unit.execute(
            "INSERT INTO jobs (tenant_id, job_id, kind, queue, state, payload, max_attempts,"
            " key_id, roles, correlation_id, run_at) VALUES ('globex', :id, :kind, 'nobody',"
            " 'queued', '{}', 1, 'k', '{}', 'c', now() + interval '1 hour')",
            {"id": job_id, "kind": MARK},
        )
        unit.execute(
            "INSERT INTO batches (tenant_id, batch_id, total, open) VALUES ('globex', :id, 1, 1)",
            {"id": batch_id},
        )
        unit.execute(
            "INSERT INTO schedules (tenant_id, schedule_id, cron, time_zone, kind, payload,"
            " catch_up, max_catch_up, overlap, key_id, roles) VALUES ('globex', :id, '0 3 * * *',"
            " 'UTC', :id, '{}', 'once', 1, 'skip', 'k', '{}')",
            {"id": MARK},
        )
        unit.commit(None)


def contents(urls: DatabaseUrls) -> dict[str, str]:
    """Returns a checksum of everything globex has."""
    with psycopg.connect(urls.admin) as connection:
        found = {}
        for table in TABLES:
            row = connection.execute(
                f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t"
                " WHERE tenant_id = 'globex'"
            ).fetchone()
            assert row is not None
            found[table] = row[0]
    return found


@each(TENANT_METHODS)
def test_no_rpc_shows_or_changes_another_tenants_data(
    descriptor: MethodDescriptor,
    running: RunningNode,
    victim: dict[str, str],
    urls: DatabaseUrls,
) -> None:
    before = contents(urls)
    request = request_for(descriptor.input_type, **victim)

    answer = running.acme.call(path_of(descriptor), request)

    assert not any(MARK.encode() in message for message in answer.messages)
    assert answer.code not in ("INTERNAL", "UNKNOWN"), answer
    named = [field for field in victim if field in descriptor.input_type.fields_by_name]
    # What the caller names itself may have the name of another tenant's.
    if named and not descriptor.name.startswith(("List", "Create")):
        assert (answer.code, answer.reason) == ("NOT_FOUND", "RESOURCE_NOT_FOUND"), answer
    assert contents(urls) == before


@each(TENANT_METHODS)
def test_a_key_of_one_tenant_is_refused_for_the_other(
    descriptor: MethodDescriptor, running: RunningNode
) -> None:
    foreign = running.acme.changed(tenant_id="globex")

    answer = foreign.call(path_of(descriptor), request_for(descriptor.input_type))

    assert (answer.code, answer.reason) == ("PERMISSION_DENIED", "TENANT_NOT_ALLOWED")
    assert_correlated(answer)


@each(METHODS)
def test_a_call_without_credentials_is_refused(
    descriptor: MethodDescriptor, running: RunningNode
) -> None:
    body = request_for(descriptor.input_type).SerializeToString()

    answer = running.acme.send(path_of(descriptor), body, {"x-tenant-id": "acme"})

    assert (answer.code, answer.reason) == ("UNAUTHENTICATED", "CREDENTIALS_MISSING")
    assert_correlated(answer)


@each(METHODS)
def test_a_signature_covers_body_tenant_path_and_correlation_id(
    descriptor: MethodDescriptor, running: RunningNode
) -> None:
    path = path_of(descriptor)
    body = request_for(descriptor.input_type).SerializeToString()
    send, signed = running.acme.send, running.acme.metadata
    other = "/howdah.node.v1.NodeService/Ping"
    if path == other:
        other = "/howdah.node.v1.NodeService/DescribeNode"

    tampered = [
        send(path, body + b"\xf8\x01\x01", signed(path, body)),
        send(path, body, signed(path, body) | {"x-tenant-id": "globex"}),
        send(path, body, signed(other, body)),
        send(path, body, signed(path, body) | {"x-correlation-id": str(uuid.uuid4())}),
        send(path, body, signed(path, body) | {"x-internal-key-id": running.globex.key.key_id}),
        send(path, body, signed(path, body) | {"x-internal-nonce": secrets.token_urlsafe(16)}),
    ]

    reasons = {(answer.code, answer.reason) for answer in tampered}
    assert reasons == {("UNAUTHENTICATED", "SIGNATURE_INVALID")}


@each(METHODS)
def test_a_signed_call_is_good_once(descriptor: MethodDescriptor, running: RunningNode) -> None:
    path = path_of(descriptor)
    caller = running.acme if rpc_method(descriptor).tenant_bound else running.operator
    body = request_for(descriptor.input_type).SerializeToString()
    metadata = caller.metadata(path, body)

    first = caller.send(path, body, metadata)
    second = caller.send(path, body, metadata)

    assert first.reason != "NONCE_REPLAYED"
    assert (second.code, second.reason) == ("UNAUTHENTICATED", "NONCE_REPLAYED")


@each([m for m in TENANT_METHODS if rpc_method(m).mutates])
def test_a_viewer_changes_nothing(descriptor: MethodDescriptor, running: RunningNode) -> None:
    answer = running.viewer.call(path_of(descriptor), request_for(descriptor.input_type))

    assert (answer.code, answer.reason) == ("PERMISSION_DENIED", "PERMISSION_MISSING")


@each([m for m in NODE_METHODS if rpc_method(m).permission in NODE_PERMISSIONS])
def test_only_the_operator_manages_the_node(
    descriptor: MethodDescriptor, running: RunningNode
) -> None:
    answer = running.acme.call(path_of(descriptor), request_for(descriptor.input_type))

    assert (answer.code, answer.reason) == ("PERMISSION_DENIED", "PERMISSION_MISSING")


@each([m for m in NODE_METHODS if rpc_method(m).permission in NODE_PERMISSIONS])
def test_an_operator_of_one_tenant_does_not_manage_the_others(
    descriptor: MethodDescriptor, running: RunningNode
) -> None:
    token = running.node.issue_token("cunning", ["acme"], ["operator"])
    body = request_for(descriptor.input_type).SerializeToString()

    answer = running.acme.send(path_of(descriptor), body, {"authorization": f"Bearer {token}"})

    assert (answer.code, answer.reason) == ("PERMISSION_DENIED", "PERMISSION_MISSING")


def test_a_credential_of_one_tenant_cannot_be_an_operators(running: RunningNode) -> None:
    answer = running.operator.call(
        "/howdah.tenants.v1.TenantsService/CreateCredential",
        tenants_pb2.CreateCredentialRequest(tenant_ids=["acme"], roles=["operator"]),
    )

    assert (answer.code, answer.fields) == ("INVALID_ARGUMENT", ("roles",))


@each(TENANT_METHODS)
def test_a_tenant_has_to_be_named(descriptor: MethodDescriptor, running: RunningNode) -> None:
    nobody = running.operator.call(path_of(descriptor), request_for(descriptor.input_type))
    unknown = running.operator.changed(tenant_id="nobody-here").call(
        path_of(descriptor), request_for(descriptor.input_type)
    )

    assert (nobody.code, nobody.reason) == ("INVALID_ARGUMENT", "TENANT_MISSING")
    assert (unknown.code, unknown.reason) == ("NOT_FOUND", "RESOURCE_NOT_FOUND")


def assert_correlated(answer: Answer) -> None:
    """Asserts that the answer can be found in the log."""
    assert uuid.UUID(str(answer.trailing["x-correlation-id"])).version == 4
