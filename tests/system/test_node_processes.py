"""Looks at a node from outside: its processes, its ports, its start and its end."""

from __future__ import annotations

import ipaddress
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from howdah.node.v1 import node_pb2
from howdah.node.v1.node_pb2_grpc import NodeServiceStub
from tests.servers import HOWDAH, OwnNode, eventually
from tests.system.conftest import EmbeddedNode, short_directory

SMALL = {"HOWDAH_SERVER_PROCESSES": "2", "HOWDAH_WORKER_PROCESSES": "1"}
STOP_SECONDS = 60.0


@pytest.fixture
def own() -> Iterator[OwnNode]:
    """Gives a test a node that it may kill."""
    directory = short_directory("own")
    node = OwnNode(directory, SMALL)
    yield node
    node.stop()
    shutil.rmtree(directory, ignore_errors=True)


def family(node: OwnNode, directory: Path) -> list[psutil.Process]:
    """Returns the node with all it started, also what is no child of it any more."""
    found = [psutil.Process(node._process.pid), *node.processes()]
    found += [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(directory) in word for word in process.info["cmdline"] or ())
    ]
    return list({process.pid: process for process in found}.values())


def data_of(node: OwnNode) -> Path:
    return Path(node.environment["HOWDAH_DATA_DIR"])


def gone(processes: list[psutil.Process]) -> bool:
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


def start_another(node: OwnNode, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**node.environment, **settings}
    return subprocess.run(
        [HOWDAH, "up"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_second_node_on_a_taken_port_is_an_error_at_start(
    embedded: EmbeddedNode, tmp_path: Path
) -> None:
    elsewhere = {"HOWDAH_DATA_DIR": str(tmp_path), "HOWDAH_ADMIN_ADDRESS": "127.0.0.1:0"}
    done = start_another(embedded.node, **elsewhere)
    assert done.returncode == 1
    assert f"cannot listen on {embedded.node.grpc_address}" in done.stderr
    assert "Traceback" not in done.stderr

    elsewhere = {"HOWDAH_DATA_DIR": str(tmp_path), "HOWDAH_GRPC_ADDRESS": "127.0.0.1:0"}
    done = start_another(embedded.node, **elsewhere)
    assert done.returncode == 1
    assert f"cannot listen on {embedded.node.admin_address}" in done.stderr
    assert embedded.ask("call", "Ping", "{}", "--tenant", "acme")["tenant_id"] == "acme"


def test_a_second_node_on_the_same_data_is_an_error_at_start(embedded: EmbeddedNode) -> None:
    ports = {"HOWDAH_GRPC_ADDRESS": "127.0.0.1:0", "HOWDAH_ADMIN_ADDRESS": "127.0.0.1:0"}
    done = start_another(embedded.node, **ports)
    assert done.returncode == 1
    assert "another node runs on" in done.stderr


def test_nothing_listens_beyond_this_machine(embedded: EmbeddedNode) -> None:
    listening = [
        ipaddress.ip_address(connection.laddr.ip)
        for process in family(embedded.node, data_of(embedded.node))
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3
    for address in listening:
        # grpcio listens on an IPv4 address by way of IPv6.
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        assert (mapped or address).is_loopback, address


def test_files_with_secrets_are_their_owners_alone(embedded: EmbeddedNode) -> None:
    embedded.ask("call", "DescribeNode")
    for name in ("node.json", "secrets.key", "operator.json"):
        assert (data_of(embedded.node) / name).stat().st_mode & 0o077 == 0, name


def test_no_secret_is_in_the_log(embedded: EmbeddedNode) -> None:
    key = embedded.keys["acme"]
    token = embedded.ask("token", "--tenant", "acme", "--json")["token"]
    headers = embedded.ask("sign", "Ping", "--tenant", "acme", "--json")
    embedded.refused("call", "GetCustomer", "{}", "--tenant", "acme")
    log = embedded.node.log()
    assert '"event":"rpc"' in log
    master = (data_of(embedded.node) / "secrets.key").read_text()
    for secret in (key.secret, token, master, headers["x-internal-signature"]):
        assert secret not in log


def test_one_page_counts_the_calls_of_all_processes(embedded: EmbeddedNode) -> None:
    with embedded.connect("acme") as channel:
        for _ in range(10):
            NodeServiceStub(channel).Ping(node_pb2.PingRequest(), timeout=5)
    status, page = embedded.node.page("/metrics")
    assert status == 200
    counted = sum(
        float(line.split()[-1])
        for line in page.splitlines()
        if line.startswith("grpc_server_handled_total{") and 'grpc_method="Ping"' in line
    )
    assert counted >= 10
    assert 'howdah_jobs_waiting{queue="default"}' in page
    # The dispatcher's, and the worker's of the same name.
    assert "howdah_jobs_expired_total 0.0" in page
    assert "howdah_jobs_quarantined_total 0.0" in page


def test_a_killed_process_is_replaced_and_no_call_of_a_retrying_client_fails(
    embedded: EmbeddedNode,
) -> None:
    victim, *_ = embedded.node.processes("server.process")
    with embedded.connect("acme") as channel:
        stub = NodeServiceStub(channel)
        for number in range(200):
            if number == 50:
                victim.kill()
            stub.Ping(node_pb2.PingRequest(), timeout=10)

    def replaced() -> bool:
        serving = embedded.node.processes("server.process")
        return len(serving) == 2 and victim.pid not in {process.pid for process in serving}

    eventually(replaced, 15)


def test_a_stop_under_load_fails_no_call_and_keeps_its_time(own: OwnNode) -> None:
    assert own.run("tenants", "create", "acme").returncode == 0
    processes = family(own, data_of(own))
    answered, stop = [], threading.Event()

    def load() -> None:
        while not stop.is_set():
            done = own.run("call", "Ping", "{}", "--tenant", "acme")
            if done.returncode != 0:
                # Refused as unavailable is what the end of a lone node looks like.
                assert done.returncode == 3, done.stderr
                return
            answered.append(1)

    caller = threading.Thread(target=load)
    caller.start()
    eventually(lambda: len(answered) >= 2, 30)
    started = time.monotonic()
    assert own.stop() == 0, own.log()[-2000:]
    assert time.monotonic() - started < STOP_SECONDS
    stop.set()
    caller.join(60)
    eventually(lambda: gone(processes), 10)


def test_a_killed_supervisor_leaves_no_process_behind(own: OwnNode) -> None:
    processes = family(own, data_of(own))
    assert len(processes) >= 6
    own.kill()
    eventually(lambda: gone(processes), 45)
    own.start()
    assert own.page("/ready")[0] == 200


def test_a_second_signal_ends_it_at_once(own: OwnNode) -> None:
    processes = family(own, data_of(own))
    own._process.send_signal(signal.SIGTERM)
    time.sleep(0.2)  # two signals at the same moment are one
    own._process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    own._process.wait(20)
    assert time.monotonic() - started < 15
    eventually(lambda: gone(processes), 10)
