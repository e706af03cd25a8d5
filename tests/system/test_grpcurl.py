"""Debugs the node with grpcurl, as docs/operations.md says."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.system.conftest import EmbeddedNode

GRPCURL = Path(__file__).parent.parent.parent / ".tools" / "bin" / "grpcurl"
PING = "howdah.node.v1.NodeService/Ping"


@pytest.fixture(scope="module")
def token(embedded: EmbeddedNode) -> str:
    done = embedded.node.run("token", "--tenant", "acme")
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


def grpcurl(
    embedded: EmbeddedNode, *command: str, data: str = "", token: str = "", tenant: str = ""
) -> subprocess.CompletedProcess[str]:
    options = [
        *(("-H", f"authorization: Bearer {token}") if token else ()),
        *(("-H", f"x-tenant-id: {tenant}") if tenant else ()),
        *(("-d", data) if data else ()),
    ]
    return subprocess.run(
        [GRPCURL, "-plaintext", *options, embedded.node.grpc_address, *command],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_every_service_is_listed(embedded: EmbeddedNode) -> None:
    listed = grpcurl(embedded, "list").stdout.split()

    nouns = ("analytics", "documents", "files", "jobs", "node", "records", "tenants")
    assert {f"howdah.{noun}.v1.{noun.title()}Service" for noun in nouns} <= set(listed)
    assert "grpc.health.v1.Health" in listed


def test_a_service_is_described_with_the_policies_of_its_methods(embedded: EmbeddedNode) -> None:
    # grpcio's reflection knows services and messages by name, not methods.
    described = grpcurl(embedded, "describe", "howdah.records.v1.RecordsService")

    assert described.returncode == 0, described.stderr
    assert "IDEMPOTENCY_REQUIRED" in described.stdout
    assert "records.write" in described.stdout


def test_a_call_with_a_token_is_answered(embedded: EmbeddedNode, token: str) -> None:
    answered = grpcurl(embedded, PING, data='{"message": "hello"}', token=token, tenant="acme")

    assert answered.returncode == 0, answered.stderr
    answer = json.loads(answered.stdout)
    assert (answer["message"], answer["tenantId"]) == ("hello", "acme")


def test_a_refusal_shows_its_details(embedded: EmbeddedNode, token: str) -> None:
    refused = grpcurl(
        embedded,
        "howdah.jobs.v1.JobsService/GetJob",
        data='{"job_id": "nonsense"}',
        token=token,
        tenant="acme",
    )

    assert refused.returncode != 0
    for part in ("InvalidArgument", "FIELDS_INVALID", "BadRequest", "job_id", "RequestInfo"):
        assert part in refused.stderr


def test_a_foreign_tenant_and_no_token_are_refused(embedded: EmbeddedNode, token: str) -> None:
    foreign = grpcurl(embedded, PING, data="{}", token=token, tenant="globex")
    nobody = grpcurl(embedded, PING, data="{}", tenant="acme")

    assert "TENANT_NOT_ALLOWED" in foreign.stderr
    assert "CREDENTIALS_MISSING" in nobody.stderr


def test_health_is_open(embedded: EmbeddedNode) -> None:
    answered = grpcurl(embedded, "grpc.health.v1.Health/Check", data="{}")

    assert json.loads(answered.stdout) == {"status": "SERVING"}
