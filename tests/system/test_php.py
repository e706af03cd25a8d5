"""Runs the PHP client against a deployed node: its own suite, its example, and its signer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from howdah.jobs.v1 import jobs_pb2
from howdah_client import Credential, connect
from server.demo import work
from tests.servers import OwnNode
from tests.system.conftest import short_directory

TREE = Path(__file__).parent.parent.parent
PHP_CLIENT = TREE / "clients/php"


@dataclass(frozen=True)
class Keyed:
    """Is a node with the tenants acme and phpunit, a key of an administrator of each, and more."""

    node: OwnNode
    keys: dict[str, Credential]
    operator: Credential

    def php(self, tenant: str, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs a command as one who was given the keys and nothing else of the node."""
        outer = {k: v for k, v in os.environ.items() if not k.startswith("HOWDAH_")}
        key = self.keys[tenant]
        return subprocess.run(
            command,
            cwd=TREE,
            env={
                **outer,
                "HOWDAH_ADDRESS": self.node.grpc_address,
                "HOWDAH_TENANT": tenant,
                "HOWDAH_KEY_ID": key.key_id,
                "HOWDAH_SECRET": key.secret,
                "HOWDAH_OPERATOR_KEY_ID": self.operator.key_id,
                "HOWDAH_OPERATOR_SECRET": self.operator.secret,
            },
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )


@pytest.fixture(scope="module")
def keyed() -> Iterator[Keyed]:
    directory = short_directory("php")
    node = OwnNode(
        directory,
        {
            "HOWDAH_SERVER_PROCESSES": "1",
            "HOWDAH_WORKER_PROCESSES": "1",
            # The suite calls more often than one tenant should.
            "HOWDAH_RATE_LIMIT_CALLS_PER_SECOND": "100000",
            "HOWDAH_RATE_LIMIT_BURST_CALLS": "100000",
        },
    )
    try:
        administrators = {tenant: administrator(node, tenant) for tenant in ("acme", "phpunit")}
        yield Keyed(node, administrators, new_key(node, "*", "operator"))
    finally:
        code = node.stop()
        shutil.rmtree(directory, ignore_errors=True)
    assert code == 0, node


def administrator(node: OwnNode, tenant: str) -> Credential:
    """Creates a tenant; returns a key of it that may do everything."""
    made = node.run("tenants", "create", tenant, "--currency", "USD", "--json")
    assert made.returncode == 0, made.stderr
    return new_key(node, tenant, "admin")


def new_key(node: OwnNode, tenant: str, role: str) -> Credential:
    key = node.run("keys", "create", "--tenant", tenant, "--role", role, "--json")
    assert key.returncode == 0, key.stderr
    shown = json.loads(key.stdout)
    return Credential(shown["credential"]["key_id"], shown["secret"])


def program(name: str) -> str:
    """Returns where a program is: without it the PHP client is unproven, which is a failure."""
    found = shutil.which(name)
    assert found is not None, f"{name} is missing: run tools/debian.sh php"
    return found


@pytest.mark.timeout(240)
def test_the_suite_of_the_php_client_passes_against_a_node(keyed: Keyed) -> None:
    config = PHP_CLIENT / "phpunit.xml.dist"

    done = keyed.php("phpunit", program("phpunit"), "-c", config, "--testsuite", "node")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "OK (" in done.stdout, done.stdout


@pytest.mark.timeout(240)
def test_the_php_dashboard_shows_the_expected_figures(keyed: Keyed) -> None:
    expected = json.loads((TREE / "tests/vectors/kpis.json").read_text("utf-8"))["cdnow"]
    period = expected["periods"][0]
    with connect(keyed.node.grpc_address, keyed.keys["acme"], tenant="acme") as channel:
        file_id = work.upload(channel, TREE / "samples/cdnow.txt.gz", lambda _done, _total: None)
        job = work.start_import(channel, file_id, TREE / "samples/cdnow.mapping.json")
        job = work.follow(channel, job, lambda _change: None)
    assert job.state == jobs_pb2.JOB_STATE_SUCCEEDED

    example = PHP_CLIENT / "examples/dashboard.php"
    dates = ("--start", period["start"], "--end", period["end"])
    done = keyed.php("acme", program("php"), example, *dates)

    assert done.returncode == 0, done.stdout + done.stderr
    shown = {" ".join(line.split()) for line in done.stdout.splitlines()}
    assert f"gross revenue {period['gross_revenue_minor'] / 100:,.2f} USD" in shown, done.stdout
    assert f"orders {period['orders']:,}" in shown, done.stdout
    assert f"customers {period['customers']:,}" in shown, done.stdout


def test_the_php_signer_agrees_with_the_vectors(keyed: Keyed) -> None:
    vectors = TREE / "tests/vectors/signing.json"

    done = keyed.php("acme", program("php"), PHP_CLIENT / "bin/check-vectors", vectors)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "13 cases, 13 as expected\n"
