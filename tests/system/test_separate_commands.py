"""Runs server, workers and dispatcher as three commands on named servers, as systemd does."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from howdah_client import Credential, connect
from server.demo import work
from tests.servers import HOWDAH, eventually

SAMPLES = Path(__file__).parent.parent.parent / "samples"


@dataclass
class Machine:
    """Runs commands with one environment, and keeps what they print."""

    environment: dict[str, str]
    directory: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, *command: str, **more: str) -> None:
        with (self.directory / f"{command[0]}.log").open("wb") as log:
            self.running[command[0]] = subprocess.Popen(
                [HOWDAH, *command],
                env={**self.environment, **more},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [HOWDAH, *command],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def said(self, command: str) -> str:
        return (self.directory / f"{command}.log").read_text("utf-8")


@pytest.fixture
def machine(environment: dict[str, str], tmp_path: Path) -> Iterator[Machine]:
    outer = {k: v for k, v in os.environ.items() if not k.startswith("HOWDAH_")}
    made = Machine({**outer, **environment}, tmp_path)
    yield made
    for process in made.running.values():
        if process.poll() is None:
            process.kill()
            process.wait()


def test_server_workers_and_dispatcher_do_a_job_together(machine: Machine) -> None:
    assert machine.run("migrate").returncode == 0
    made = machine.run("keys", "create", "--tenant", "globex", "--role", "editor", "--json")
    key = json.loads(made.stdout)
    machine.start("serve")
    machine.start("work", "--admin")
    machine.start("dispatch")
    found = eventually(
        lambda: re.search(r"gRPC on (\S+), admin on (\S+)\.", machine.said("serve")), 30
    )
    eventually(lambda: "worker_started" in machine.said("work"), 30)
    credential = Credential(key["credential"]["key_id"], key["secret"])
    with connect(found[1], credential, tenant="globex") as channel:
        file_id = work.upload(channel, SAMPLES / "online_retail_10k.csv.gz", lambda *_: None)
        job = work.start_import(channel, file_id, SAMPLES / "online_retail.mapping.json")
        done = work.follow(channel, job, lambda _job: None)
    assert done.result.fields["rows_stored"].number_value == 9_969

    shown = machine.run("jobs", "get", job.job_id, "--tenant", "globex")
    assert "succeeded" in shown.stdout
    assert machine.run("jobs", "watch", job.job_id, "--tenant", "globex").returncode == 0
    waited = machine.run("jobs", "wait", job.job_id, "--tenant", "globex", "--json")
    assert json.loads(waited.stdout)["job"]["state"] == "JOB_STATE_SUCCEEDED"
    refused = machine.run("jobs", "retry", job.job_id, "--tenant", "globex")
    assert (refused.returncode, "JOB_NOT_RETRYABLE" in refused.stderr) == (1, True)
    foreign = machine.run("jobs", "get", job.job_id, "--tenant", "acme")
    assert (foreign.returncode, "NOT_FOUND" in foreign.stderr) == (1, True)
    listed = machine.run("jobs", "list", "--tenant", "globex", "--state", "succeeded", "--json")
    assert [j["job_id"] for j in json.loads(listed.stdout)["jobs"]] == [job.job_id]

    signed = ("--key-id", credential.key_id, "--secret", credential.secret)
    streamed = machine.run(
        *("call", "WatchJob", json.dumps({"job_id": job.job_id}), "--tenant", "globex"),
        *("--address", found[1], *signed),
    )
    changes = [json.loads(line) for line in streamed.stdout.splitlines()]
    assert changes[-1]["job"]["state"] == "JOB_STATE_SUCCEEDED", streamed.stderr

    with urllib.request.urlopen(f"{found[2]}/metrics", timeout=5) as page:
        text = page.read().decode()
    # One page for the processes of both commands: they share the data directory.
    assert 'job_duration_seconds_count{kind="records.import",state="succeeded"} 1.0' in text
    assert 'grpc_method="StartImport"' in text

    for process in machine.running.values():
        process.send_signal(signal.SIGTERM)
    assert {name: p.wait(60) for name, p in machine.running.items()} == dict.fromkeys(
        ("serve", "work", "dispatch"), 0
    )


def test_systemd_is_told_when_the_server_is_up(machine: Machine, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        place = tmp_path / "notify"
        listener.bind(str(place))
        listener.settimeout(30)
        machine.start("serve", NOTIFY_SOCKET=str(place))
        assert listener.recv(100) == b"READY=1"


def test_a_database_that_is_not_migrated_is_told_by_readiness_and_migrate_helps(
    machine: Machine,
) -> None:
    assert machine.run("migrate", "--to", "base").returncode == 0
    machine.start("serve")
    found = eventually(
        lambda: re.search(r"gRPC on (\S+), admin on (\S+)\.", machine.said("serve")), 30
    )

    def checks() -> dict[str, str]:
        try:
            with urllib.request.urlopen(f"{found[2]}/ready", timeout=5) as page:
                return dict(json.load(page)["checks"])
        except urllib.error.HTTPError as error:
            return dict(json.load(error)["checks"])

    assert "howdah migrate" in checks()["migrations"]
    assert machine.run("migrate").returncode == 0
    started = time.monotonic()
    eventually(lambda: checks()["migrations"] == "ok", 10)
    assert time.monotonic() - started < 5
