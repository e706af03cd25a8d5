"""Proves the PHP client in pages behind nginx and PHP-FPM, in front of a node that breaks."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import re
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from howdah.files.v1 import files_pb2
from howdah.files.v1.files_pb2_grpc import FilesServiceStub
from howdah.jobs.v1 import jobs_pb2
from howdah.jobs.v1.jobs_pb2_grpc import JobsServiceStub
from howdah_client import Credential, connect
from server.demo import work
from tests.php_fpm import Page, Site, site
from tests.servers import OwnNode, OwnPostgres, OwnRedis, environment_of_servers, eventually

TREE = Path(__file__).parent.parent.parent
PAGE_SECONDS = 3.0  # withTimeout() of the example
SLACK_SECONDS = 1.0
FAILURES = 5  # those that open the client's breaker
SALES = 2000
TIMING = re.compile(r'howdah;dur=([\d.]+);desc="(\w+)"')

pytestmark = pytest.mark.timeout(240)


@dataclass(frozen=True)
class Shop:
    """Is a node with the figures of acme, and the pages in front of it."""

    node: OwnNode
    site: Site
    keys: dict[str, Credential]

    def environment(self) -> dict[str, str]:
        return environment_of(self.node, self.keys["acme"])

    def file(self, file_id: str) -> files_pb2.File:
        with connect(self.node.grpc_address, self.keys["acme"], tenant="acme") as channel:
            asked = files_pb2.GetFileRequest(file_id=file_id)
            return FilesServiceStub(channel).GetFile(asked, timeout=10).file

    def workbooks(self) -> list[jobs_pb2.Job]:
        with connect(self.node.grpc_address, self.keys["acme"], tenant="acme") as channel:
            asked = jobs_pb2.ListJobsRequest(kind="documents.workbook", page_size=200)
            return list(JobsServiceStub(channel).ListJobs(asked, timeout=10).jobs)


def environment_of(node: OwnNode, key: Credential) -> dict[str, str]:
    """Returns what a page of acme is told of the node."""
    return {
        "HOWDAH_ADDRESS": node.grpc_address,
        "HOWDAH_TENANT": "acme",
        "HOWDAH_KEY_ID": key.key_id,
        "HOWDAH_SECRET": key.secret,
    }


@dataclass(frozen=True)
class Seen:
    """Is the first page as it was met: what the client said, and how long it took."""

    said: str
    inside_ms: float
    outside_seconds: float
    page: Page


def look(found: Site) -> Seen:
    began = time.monotonic()
    page = found.get("/")
    took = time.monotonic() - began
    timing = TIMING.fullmatch(page.headers.get("Server-Timing", ""))
    assert timing is not None, (page, found.log())
    return Seen(timing[2], float(timing[1]), took, page)


def answered(found: Site) -> Seen:
    """Looks until the node answers, which it does by itself when it is there."""
    seen = eventually(lambda: one if (one := look(found)).said == "answered" else None, 15)
    assert isinstance(seen, Seen)
    return seen


@pytest.fixture(scope="module")
def shop(server_directory: Path) -> Iterator[Shop]:
    directory = server_directory / "fpm"
    directory.mkdir()
    postgres, redis = OwnPostgres(directory / "pg"), OwnRedis(directory / "redis")
    node = OwnNode(
        directory / "node",
        {
            **environment_of_servers(postgres, redis, directory),
            "HOWDAH_SERVER_PROCESSES": "1",
            "HOWDAH_WORKER_PROCESSES": "1",
            "HOWDAH_RATE_LIMIT_CALLS_PER_SECOND": "100000",
            "HOWDAH_RATE_LIMIT_BURST_CALLS": "100000",
        },
    )
    try:
        keys = {tenant: _key(node, tenant) for tenant in ("acme", "globex")}
        _import_sales(node, keys["acme"], directory)
        files, environment = directory / "node/data/files", environment_of(node, keys["acme"])
        with site(directory / "site", files, environment) as found:
            yield Shop(node, found, keys)
    finally:
        node.stop()
        redis.stop()
        postgres.close()


def _key(node: OwnNode, tenant: str) -> Credential:
    made = node.run("tenants", "create", tenant, "--currency", "USD", "--json")
    assert made.returncode == 0, made.stderr
    key = node.run("keys", "create", "--tenant", tenant, "--role", "editor", "--json")
    assert key.returncode == 0, key.stderr
    shown = json.loads(key.stdout)
    return Credential(shown["credential"]["key_id"], shown["secret"])


def _import_sales(node: OwnNode, key: Credential, directory: Path) -> None:
    """Imports a few sales: what is tested are the pages, not how fast figures are computed."""
    with gzip.open(TREE / "samples/cdnow.txt.gz", "rt") as whole:
        (directory / "sales.txt").write_text("".join(itertools.islice(whole, SALES)), "utf-8")
    with connect(node.grpc_address, key, tenant="acme") as channel:
        file_id = work.upload(channel, directory / "sales.txt", lambda _done, _all: None)
        job = work.start_import(channel, file_id, TREE / "samples/cdnow.mapping.json")
        job = work.follow(channel, job, lambda _change: None)
    assert job.state == jobs_pb2.JOB_STATE_SUCCEEDED, job


@contextmanager
def hanging(node: OwnNode) -> Iterator[None]:
    """Has the gRPC processes of a node keep their connections and answer nobody."""
    processes = servers(node)
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def servers(node: OwnNode) -> list[psutil.Process]:
    """Returns the processes that listen for calls."""
    port = int(node.grpc_address.rpartition(":")[2])
    return [
        process
        for process in node.processes()
        if any(at.laddr.port == port for at in process.net_connections("tcp"))
    ]


def break_down(node: OwnNode) -> None:
    """Ends the node without a word to anybody."""
    calls = servers(node)
    assert calls
    node.kill()
    for process in calls:
        process.kill()


def start_workbook(found: Site, key: str) -> Page:
    return found.post("/workbook", f"key={key}")


def test_a_page_shows_figures_starts_a_workbook_follows_it_and_hands_it_over(shop: Shop) -> None:
    first = look(shop.site)
    assert first.said == "answered"
    assert re.search(r"<b>[\d,]{4,}</b> orders", first.page.text), first.page.text
    key = re.search(r'name="key" value="(\w+)"', first.page.text)
    assert key is not None

    begun = start_workbook(shop.site, key[1])
    assert begun.status == 303, (begun, shop.site.log())
    assert start_workbook(shop.site, key[1]).headers["Location"] == begun.headers["Location"]
    followed = eventually(lambda: _link(shop.site.get(begun.headers["Location"])), 120)

    file = shop.site.get(followed)
    assert file.status == 200, (file, shop.site.log())
    assert file.body[:2] == b"PK"
    assert "X-Accel-Redirect" not in file.headers
    assert file.headers["Content-Disposition"].startswith('attachment; filename="')
    assert file.headers["Content-Type"].endswith("spreadsheetml.sheet")
    assert file.headers["Cache-Control"] == "private, no-cache"
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    known = shop.file(followed.rpartition("/")[2])
    assert hashlib.sha256(file.body).hexdigest() == known.sha256
    _assert_nginx_sends_it(shop.site, followed, file)


def test_a_file_is_handed_to_nobody_but_its_tenant_and_only_through_the_page(shop: Shop) -> None:
    with connect(shop.node.grpc_address, shop.keys["globex"], tenant="globex") as channel:
        foreign = work.upload(channel, TREE / "samples/cdnow.mapping.json", lambda _d, _a: None)
        asked = files_pb2.GetFileRequest(file_id=foreign)
        path = FilesServiceStub(channel).GetFile(asked, timeout=10).file.path

    assert shop.site.get(f"/files/{foreign}").status == 404
    assert shop.site.get(f"/files/{uuid.uuid4()}").status == 404
    assert shop.site.get(f"/howdah-files/{path}").status == 404


def _link(page: Page) -> str | None:
    assert page.status == 200, page
    found = re.search(r'href="(/files/[0-9a-f-]{36})"', page.text)
    return None if found is None else found[1]


def _assert_nginx_sends_it(found: Site, path: str, whole: Page) -> None:
    part = found.get(path, Range="bytes=10-19")
    assert (part.status, part.body) == (206, whole.body[10:20])
    again = found.get(path, If_None_Match=whole.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    head = found.get(path, method="HEAD")
    assert (head.status, head.headers["Content-Length"]) == (200, str(len(whole.body)))


def test_php_streams_a_file_where_nginx_does_not_see_it(shop: Shop) -> None:
    content = gzip.decompress((TREE / "samples/cdnow.txt.gz").read_bytes())[:700_001]
    place = shop.site.directory.parent / "Umsätze.csv"
    place.write_bytes(content)
    with connect(shop.node.grpc_address, shop.keys["acme"], tenant="acme") as channel:
        file_id = work.upload(channel, place, lambda _done, _all: None)

    directory = shop.site.directory.parent / "streaming"
    with site(directory, directory, shop.environment(), by_nginx=False) as found:
        page = found.get(f"/files/{file_id}")
        head = found.get(f"/files/{file_id}", method="HEAD")
        lost = found.get(f"/files/{uuid.uuid4()}")

    assert (page.status, page.body) == (200, content), found.log()
    assert page.headers["Content-Length"] == str(len(content))
    assert page.headers["Content-Disposition"].endswith("filename*=UTF-8''Ums%C3%A4tze.csv")
    assert (head.status, head.body) == (200, b"")
    assert lost.status == 404


def test_two_hundred_at_once_are_all_served(shop: Shop) -> None:
    with ThreadPoolExecutor(200) as browsers:
        seen = list(browsers.map(lambda _: look(shop.site), range(200)))

    assert {one.said for one in seen} == {"answered"}, shop.site.log()
    assert {one.page.status for one in seen} == {200}


def test_pages_degrade_while_the_node_is_down_and_recover_by_themselves(shop: Shop) -> None:
    figures = answered(shop.site).page.text.split("</p>")[0]
    break_down(shop.node)
    try:
        seen = [look(shop.site) for _ in range(60)]
    finally:
        shop.node.start()

    for one in seen:
        assert one.page.status == 200
        assert figures in one.page.text
        assert "not new" in one.page.text
        assert one.outside_seconds < PAGE_SECONDS + SLACK_SECONDS
    first_refused = [one.said for one in seen].index("CIRCUIT_OPEN")
    assert first_refused < FAILURES
    fast = sorted(one.inside_ms for one in seen if one.said == "CIRCUIT_OPEN")
    assert fast[len(fast) * 9 // 10] < 1.0, fast
    assert figures in answered(shop.site).page.text


def test_no_page_hangs_when_the_node_does(shop: Shop) -> None:
    answered(shop.site)
    with hanging(shop.node), ThreadPoolExecutor(FAILURES) as browsers:
        # All of these wait for their deadline; they open the breaker for whoever comes next.
        patient = list(browsers.map(lambda _: look(shop.site), range(FAILURES)))
        quick = look(shop.site)

    assert {one.said for one in patient} <= {"DEADLINE_EXCEEDED", "UNAVAILABLE"}
    assert max(one.outside_seconds for one in patient) < PAGE_SECONDS + SLACK_SECONDS
    assert quick.said == "CIRCUIT_OPEN"
    assert quick.outside_seconds < SLACK_SECONDS
    answered(shop.site)


def test_no_job_is_started_twice_however_often_a_form_is_sent_while_the_node_restarts(
    shop: Shop,
) -> None:
    answered(shop.site)
    before = {job.job_id for job in shop.workbooks()}
    keys = [uuid.uuid4().hex for _ in range(12)]

    def insist(key: str) -> set[str]:
        """Sends a form until it is taken twice."""
        taken: list[str] = []
        give_up = time.monotonic() + 120
        while len(taken) < 2:
            assert time.monotonic() < give_up, shop.site.log()
            began = time.monotonic()
            page = start_workbook(shop.site, key)
            assert time.monotonic() - began < PAGE_SECONDS + SLACK_SECONDS
            assert page.status in {303, 503}, (page.status, shop.site.log()[-800:])
            if page.status == 303:
                taken.append(page.headers["Location"].rpartition("/")[2])
            else:
                time.sleep(0.2)  # as fast as a finger
        return set(taken)

    with ThreadPoolExecutor(len(keys)) as browsers:
        first = browsers.submit(insist, keys[0])
        taken = [first.result()]
        rest = [browsers.submit(insist, key) for key in keys[1:]]
        break_down(shop.node)
        shop.node.start()
        taken += [each.result() for each in rest]

    started = {job.job_id for job in shop.workbooks()} - before
    assert [len(jobs) for jobs in taken] == [1] * len(keys)
    assert started == set().union(*taken)
