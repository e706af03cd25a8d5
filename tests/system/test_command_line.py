from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from howdah.node.v1 import node_pb2
from tests.servers import HOWDAH
from tests.system.conftest import EmbeddedNode

VECTORS = Path(__file__).parent.parent / "vectors" / "signing.json"


def howdah(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs a command on its own, with just these settings."""
    outer = {k: v for k, v in os.environ.items() if not k.startswith("HOWDAH_")}
    environment = {**outer, **{f"HOWDAH_{k.upper()}": v for k, v in settings.items()}}
    return subprocess.run(
        [HOWDAH, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_command_and_takes_no_time() -> None:
    durations = []
    for _ in range(2):
        started = time.monotonic()
        howdah("--help")
        durations.append(time.monotonic() - started)
    shown = howdah("--help")
    assert shown.returncode == 0
    for command in (
        *("up", "serve", "work", "dispatch", "migrate", "tenants", "keys", "jobs", "webhooks"),
        *("schedules", "config", "call", "sign", "token", "signing"),
    ):
        assert f" {command} " in shown.stdout
    assert min(durations) < 1.0


@pytest.mark.parametrize(
    "command",
    [
        *("up", "serve", "work", "dispatch", "migrate", "config", "call", "sign", "token"),
        *("tenants create", "tenants list", "keys create", "keys list", "keys rotate"),
        *("schedules create", "schedules list", "schedules get", "schedules update"),
        *("schedules delete", "schedules pause", "schedules resume", "schedules run"),
        *("schedules preview",),
        *("keys revoke", "jobs list", "jobs get", "jobs watch", "jobs wait", "jobs cancel"),
        *("jobs submit", "jobs batch", "jobs chain", "jobs get-batch", "jobs cancel-batch"),
        *("jobs retry", "jobs stats", "jobs top", "jobs workers", "jobs share", "signing check"),
        *("webhooks create", "webhooks list", "webhooks get", "webhooks update", "webhooks delete"),
        *("webhooks rotate", "webhooks test", "webhooks deliveries", "webhooks redeliver"),
    ],
)
def test_each_command_explains_itself(command: str) -> None:
    shown = howdah(*command.split(), "--help")
    assert shown.returncode == 0, shown.stderr
    assert "Usage: howdah" in shown.stdout


def test_all_faults_of_the_settings_are_told_at_once() -> None:
    shown = howdah(
        "config", server_processes="0", audience="a b", nonsense="1", database_url="postgresql://x"
    )
    assert shown.returncode == 2
    for name in ("SERVER_PROCESSES", "AUDIENCE", "NONSENSE"):
        assert f"HOWDAH_{name}:" in shown.stderr
    assert howdah("up", server_processes="0").returncode == 2


def test_secrets_are_masked_and_settings_say_where_they_are_from() -> None:
    secret = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI="
    shown = howdah(
        "config",
        database_url="postgresql://app:hunter2@db/howdah",
        system_database_url="postgresql://system:hunter2@db/howdah",
        redis_url="redis://:hunter2@cache/0",
        secrets_key=secret,
        server_threads="4",
    )
    assert shown.returncode == 0, shown.stderr
    assert "hunter2" not in shown.stdout
    assert secret not in shown.stdout
    lines = {line.split()[0]: line for line in shown.stdout.splitlines()}
    assert lines["HOWDAH_SERVER_THREADS"].split()[1:] == ["4", "environment"]
    assert lines["HOWDAH_SERVER_PIN_CPUS"].split()[-1] == "default"
    assert json.loads(howdah("config", "--json").stdout)["server_threads"] == 8


def test_without_a_node_a_command_says_how_to_start_one(tmp_path: Path) -> None:
    shown = howdah("tenants", "list", data_dir=str(tmp_path))
    assert shown.returncode == 3
    assert "howdah up" in shown.stderr


def test_the_file_of_a_node_that_is_gone_is_not_believed(tmp_path: Path) -> None:
    names = ("grpc_address", "admin_address", "redis_url")
    urls = ("database_url", "system_database_url", "migrator_database_url")
    values = {"pid": 2**22 - 1, **dict.fromkeys((*names, *urls), "x")}
    (tmp_path / "node.json").write_text(json.dumps(values))
    shown = howdah("tenants", "list", data_dir=str(tmp_path))
    assert shown.returncode == 3
    assert "which is gone" in shown.stderr


def test_serving_needs_named_servers(tmp_path: Path) -> None:
    for command in ("serve", "work", "dispatch"):
        shown = howdah(command, data_dir=str(tmp_path))
        assert shown.returncode == 2
        assert "HOWDAH_DATABASE_URL" in shown.stderr


def test_tenants_are_created_once_and_by_the_rules_of_the_contract(embedded: EmbeddedNode) -> None:
    listed = embedded.ask("tenants", "list", "--json")
    known = {tenant["tenant_id"]: tenant["currency"] for tenant in listed["tenants"]}
    assert known["acme"] == "USD"
    code, complaint = embedded.refused("tenants", "create", "acme")
    assert (code, "RESOURCE_EXISTS" in complaint) == (1, True)
    code, complaint = embedded.refused("tenants", "create", "No!", "--time-zone", "Mars/Phobos")
    assert code == 1
    assert "tenant_id: " in complaint
    assert "time_zone: " in complaint


@pytest.mark.parametrize(
    "command",
    [
        'jobs submit documents.workbook --payload {"period":"last_day"}',
        *("jobs list", "jobs stats", "jobs top --looks 1", "schedules list", "webhooks list"),
        "webhooks create https://example.com",
    ],
)
def test_a_tenant_that_there_is_not_is_refused_in_words(
    embedded: EmbeddedNode, command: str
) -> None:
    code, complaint = embedded.refused(*command.split(), "--tenant", "nobody")
    assert code == 1
    assert complaint.strip() == "NOT_FOUND / RESOURCE_NOT_FOUND: There is no tenant 'nobody'."


def test_a_choice_that_there_is_not_is_answered_with_those_there_are(tmp_path: Path) -> None:
    shown = howdah(
        *("jobs", "submit", "documents.workbook", "--tenant", "acme"),
        *("--unique-key", "k", "--unique-policy", "no"),
        data_dir=str(tmp_path),
    )
    assert shown.returncode == 2
    told = " ".join(shown.stderr.split())
    assert "--unique-policy" in told
    assert "return-existing" in told


def test_a_delayed_job_says_when_and_under_which_key(embedded: EmbeddedNode) -> None:
    made = embedded.ask(
        *("jobs", "submit", "documents.workbook", "--tenant", "acme"),
        *("--payload", '{"period": "last_day"}', "--at", "2027-03-04T05:06:07Z"),
        *("--unique-key", "spring", "--unique-policy", "return-existing", "--json"),
    )
    job_id = made["job"]["job_id"]
    assert made["job"]["run_time"] == "2027-03-04T05:06:07Z"
    shown = howdah(
        "jobs", "get", job_id, tenant="acme", data_dir=embedded.node.environment["HOWDAH_DATA_DIR"]
    ).stdout
    assert "due         2027-03-04 05:06:07" in shown
    assert "unique key  spring" in shown
    cancelled = embedded.ask("jobs", "cancel", job_id, "--tenant", "acme", "--json")
    assert cancelled["job"]["state"] == "JOB_STATE_CANCELLED"


def test_a_key_lives_is_rotated_and_ends(embedded: EmbeddedNode) -> None:
    made = embedded.ask("keys", "create", "--tenant", "acme", "--role", "viewer", "--json")
    key, secret = made["credential"]["key_id"], made["secret"]
    signed = ("--tenant", "acme", "--key-id", key, "--secret", secret)
    assert embedded.ask("call", "Ping", "{}", *signed)["key_id"] == key

    successor = embedded.ask("keys", "rotate", key, "--overlap-hours", "1", "--json")
    assert successor["replaced"]["expire_time"]
    assert embedded.ask("call", "Ping", "{}", *signed)["key_id"] == key

    embedded.ask("keys", "revoke", key, "--json")
    give_up = time.monotonic() + 6
    while (done := embedded.node.run("call", "Ping", "{}", *signed)).returncode == 0:
        assert time.monotonic() < give_up, "a revoked key is refused within 5 seconds"
    assert b"CREDENTIAL_REVOKED" in done.stderr
    listed = embedded.ask("keys", "list", "--tenant", "acme", "--json")["credentials"]
    assert any(c["key_id"] == key and c.get("revoke_time") for c in listed)
    assert secret not in json.dumps(listed)


def test_a_call_shows_the_answer_or_all_that_a_refusal_says(embedded: EmbeddedNode) -> None:
    answer = embedded.ask("call", "NodeService/Ping", '{"message": "hi"}', "--tenant", "acme")
    assert (answer["message"], answer["tenant_id"]) == ("hi", "acme")
    answer = embedded.ask("call", "/howdah.node.v1.NodeService/DescribeNode", "-", body=b"{}")
    assert answer["audience"] == "howdah"

    code, complaint = embedded.refused("call", "GetCustomer", "{}", "--tenant", "acme")
    assert code == 1
    assert "INVALID_ARGUMENT / FIELDS_INVALID" in complaint
    assert "  external_id: is required" in complaint
    assert "  correlation id " in complaint

    assert embedded.refused("call", "GetCustomer", "{", "--tenant", "acme")[0] == 2
    code, complaint = embedded.refused("call", "GetNothing")
    assert (code, "JobsService/GetJob" in complaint) == (2, True)
    code, complaint = embedded.refused("call", "Ping", "--key-id", "a", "--tenant", "acme")
    assert (code, "belong together" in complaint) == (2, True)


def test_a_foreign_tenant_is_out_of_reach(embedded: EmbeddedNode) -> None:
    key = embedded.keys["acme"]
    signed = ("--key-id", key.key_id, "--secret", key.secret)
    code, complaint = embedded.refused("call", "Ping", "{}", "--tenant", "globex", *signed)
    assert (code, "TENANT_NOT_ALLOWED" in complaint) == (1, True)


def test_a_node_that_is_away_is_told_apart_from_a_refusal(embedded: EmbeddedNode) -> None:
    key = embedded.keys["acme"]
    shown = howdah(
        *("call", "Ping", "{}", "--tenant", "acme", "--address", "127.0.0.1:1", "--timeout", "2"),
        key_id=key.key_id,
        secret=key.secret,
    )
    assert shown.returncode == 3
    assert "UNAVAILABLE" in shown.stderr


def test_signed_headers_are_those_of_the_bytes(embedded: EmbeddedNode) -> None:
    body = node_pb2.PingRequest(message="hello").SerializeToString()
    headers = embedded.ask("sign", "Ping", "--tenant", "acme", "--json", body=body)
    with embedded.connect("acme") as channel:
        send: Any = channel.raw.unary_unary(
            "/howdah.node.v1.NodeService/Ping", None, node_pb2.PingResponse.FromString
        )
        assert send(body, metadata=tuple(headers.items())).message == "hello"
    lines = embedded.node.run("sign", "Ping", "--tenant", "acme", body=body).stdout.decode()
    assert "-H 'x-internal-signature: v1=" in lines


def test_a_token_opens_its_tenant_and_no_other(embedded: EmbeddedNode) -> None:
    made = embedded.ask("token", "--tenant", "acme", "--roles", "viewer", "--json")
    assert made["expires_in_seconds"] == 900
    with embedded.connect("acme") as channel:
        send: Any = channel.raw.unary_unary(
            "/howdah.node.v1.NodeService/Ping", None, node_pb2.PingResponse.FromString
        )
        bearer = ("authorization", f"Bearer {made['token']}")
        assert send(b"", metadata=(bearer, ("x-tenant-id", "acme"))).tenant_id == "acme"
        with pytest.raises(Exception, match="PERMISSION_DENIED"):
            send(b"", metadata=(bearer, ("x-tenant-id", "globex")))
    assert embedded.refused("token", "--tenant", "nobody")[0] == 1
    assert embedded.refused("token", "--tenant", "acme", "--roles", "king")[0] == 2


def test_the_vectors_of_signing_are_as_expected(tmp_path: Path) -> None:
    shown = howdah("signing", "check", str(VECTORS))
    cases = json.loads(VECTORS.read_text())["cases"]
    assert shown.stdout == f"{len(cases)} cases, {len(cases)} as expected\n"
    assert shown.returncode == 0

    cases[0]["valid"], cases[0]["reason"] = False, "SIGNATURE_INVALID"
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"cases": cases}))
    shown = howdah("signing", "check", str(wrong))
    assert shown.stdout == f"{len(cases)} cases, {len(cases) - 1} as expected\n"
    assert shown.returncode == 1
    assert cases[0]["name"] in shown.stderr
    assert howdah("signing", "check", str(tmp_path / "absent.json")).returncode == 2


def test_warnings_of_a_command_do_not_mix_with_what_it_prints() -> None:
    program = """
import structlog
from server.cli import LazyCommand
LazyCommand("config", help="").make_context("config", [])
structlog.get_logger().warning("redis_away")
structlog.get_logger().info("nobody_asked")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == ""
    assert "redis_away" in done.stderr
    assert "nobody_asked" not in done.stderr


def test_counts_in_a_result_are_shown_as_whole_numbers(embedded: EmbeddedNode) -> None:
    workbook = ("jobs", "submit", "documents.workbook", "--tenant", "acme", "--payload")
    made = embedded.ask(*workbook, '{"period": "last_day"}', "--json")
    waited = embedded.ask("jobs", "wait", made["job"]["job_id"], "--tenant", "acme", "--json")
    assert repr(waited["outcome"]["data"]["tabs"]) == "50"
