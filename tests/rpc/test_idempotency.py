"""Repeats calls by their idempotency key: one effect, one answer."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from core.config import load_settings
from howdah.files.v1 import files_pb2
from howdah.jobs.v1 import jobs_pb2
from howdah.records.v1 import records_pb2
from tests.conftest import DatabaseUrls, context_of, environment_of
from tests.rpc.conftest import Answer, Caller, RunningNode, an_idempotency_key, serving

CREATE = "/howdah.files.v1.FilesService/CreateUpload"
UPSERT = "/howdah.records.v1.RecordsService/BatchUpsertCustomers"
CANCEL = "/howdah.jobs.v1.JobsService/CancelJob"


def create(caller: Caller, key: str, filename: str = "a.csv") -> Answer:
    return caller.call(
        CREATE, files_pb2.CreateUploadRequest(filename=filename, idempotency_key=key)
    )


def file_id(answer: Answer) -> str:
    assert answer.code == "OK", answer
    return files_pb2.CreateUploadResponse.FromString(answer.messages[0]).file.file_id


def files_named(urls: DatabaseUrls, filename: str) -> int:
    with psycopg.connect(urls.admin) as connection:
        row = connection.execute("SELECT count(*) FROM files WHERE filename = %s", (filename,))
        found = row.fetchone()
    assert found is not None
    return int(found[0])


def test_a_second_call_with_the_same_key_gets_the_first_answer(
    running: RunningNode, urls: DatabaseUrls
) -> None:
    key = an_idempotency_key()

    first, second = create(running.acme, key, "once.csv"), create(running.acme, key, "once.csv")

    assert file_id(first) == file_id(second)
    assert "x-idempotent-replayed" not in first.initial
    assert second.initial["x-idempotent-replayed"] == "true"
    assert files_named(urls, "once.csv") == 1


def test_the_same_key_with_another_request_is_refused(running: RunningNode) -> None:
    key = an_idempotency_key()
    create(running.acme, key, "one.csv")

    answer = create(running.acme, key, "two.csv")

    assert (answer.code, answer.reason) == ("INVALID_ARGUMENT", "IDEMPOTENCY_KEY_REUSED")
    assert "one.csv" not in answer.message


def test_a_map_in_another_order_is_the_same_request(running: RunningNode) -> None:
    # Two orders of one map on the wire: field 5 (attributes) of the first customer, by hand.
    def entry(name: bytes) -> bytes:
        pair = b"\x0a\x01" + name + b"\x12\x01v"
        return b"\x2a" + bytes([len(pair)]) + pair

    key = an_idempotency_key().encode()

    def body(*names: bytes) -> bytes:
        customer = b"\x0a\x05mapid" + b"".join(entry(name) for name in names)
        return b"\x0a" + bytes([len(customer)]) + customer + b"\x7a" + bytes([len(key)]) + key

    first = running.acme.call(UPSERT, body(b"a", b"b"))
    second = running.acme.call(UPSERT, body(b"b", b"a"))

    assert first.code == second.code == "OK"
    assert second.initial["x-idempotent-replayed"] == "true"


def test_a_key_belongs_to_one_tenant_and_one_credential(running: RunningNode) -> None:
    key = an_idempotency_key()
    other = running.caller(("acme",), "admin", "acme")

    ids = {
        file_id(create(running.acme, key)),
        file_id(create(running.globex, key)),
        file_id(create(other, key)),
    }

    assert len(ids) == 3


def test_of_twenty_callers_at_once_one_has_the_effect(
    running: RunningNode, urls: DatabaseUrls
) -> None:
    key, start = an_idempotency_key(), threading.Barrier(20)

    def one(_number: int) -> Answer:
        start.wait()
        return create(running.acme, key, "crowd.csv")

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(one, range(20)))

    assert len({file_id(answer) for answer in answers}) == 1
    assert files_named(urls, "crowd.csv") == 1


def test_a_call_that_finds_its_key_taken_waits_no_longer_than_its_deadline(
    running: RunningNode,
) -> None:
    key = an_idempotency_key()
    body = files_pb2.CreateUploadRequest(
        filename="held.csv", idempotency_key=key
    ).SerializeToString()
    context = context_of("acme")
    with running.node.database.begin(context) as holder:
        holder.execute(
            "INSERT INTO idempotency (tenant_id, key_id, method, key, fingerprint)"
            " VALUES ('acme', :key_id, :method, :key, '')",
            {"key_id": running.acme.key.key_id, "method": CREATE, "key": key},
        )
        answer = running.acme.send(CREATE, body, running.acme.metadata(CREATE, body), timeout=2.0)

    assert (answer.code, answer.reason) == ("ABORTED", "REQUEST_IN_PROGRESS")
    assert answer.retry_after_ms > 0
    assert create(running.acme, key, "held.csv").code == "OK"


def test_a_refusal_that_cannot_change_is_kept(running: RunningNode) -> None:
    request = jobs_pb2.CancelJobRequest(
        job_id="0198f6d2-0000-7000-8000-000000000000", idempotency_key=an_idempotency_key()
    )

    first, second = running.acme.call(CANCEL, request), running.acme.call(CANCEL, request)

    assert first.reason == second.reason == "RESOURCE_NOT_FOUND"
    assert first.message == second.message


def test_a_method_that_needs_a_key_refuses_a_call_without(running: RunningNode) -> None:
    request = records_pb2.StartImportRequest(
        file_id="0198f6d2-0000-7000-8000-000000000000",
        mapping=records_pb2.ImportMapping(
            format=records_pb2.IMPORT_FORMAT_CSV,
            grouping=records_pb2.IMPORT_GROUPING_ROW_IS_INVOICE,
            fields={"number": "n"},
        ),
    )

    answer = running.acme.call("/howdah.records.v1.RecordsService/StartImport", request)

    assert (answer.code, answer.reason) == ("INVALID_ARGUMENT", "IDEMPOTENCY_KEY_MISSING")


@pytest.mark.parametrize("key", ["x" * 15, "x" * 256, "with\ttab-and-more", "ümlaut-ümlaut-ümlaut"])
def test_a_key_without_the_required_form_is_refused(running: RunningNode, key: str) -> None:
    answer = create(running.acme, key)

    assert (answer.code, answer.reason) == ("INVALID_ARGUMENT", "FIELDS_INVALID")
    assert answer.fields == ("idempotency_key",)


def test_a_key_survives_the_node_and_an_empty_redis(
    running: RunningNode, urls: DatabaseUrls, redis_url: str, tmp_path: Path
) -> None:
    key = an_idempotency_key()
    first = file_id(create(running.acme, key))

    environment = environment_of(urls, redis_url, tmp_path)
    environment["HOWDAH_SECRETS_KEY"] = str(
        running.node.settings.secrets_key.get_secret_value()  # type: ignore[union-attr]
    )
    with serving(load_settings(environment)) as another:
        again = create(another.acme.changed(key=running.acme.key), key)

    assert file_id(again) == first
