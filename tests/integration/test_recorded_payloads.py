"""Runs jobs that an earlier release submitted, as they were recorded, through today's handlers.

`tests/recorded/jobs/<kind>.v<version>.json` has the payload, the checkpoint of an attempt that was
cut off, where the kind saves any, and what the job's result has to say.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from core.bootstrap import open_node
from core.config import Settings
from core.context import Context
from core.jobs.job import JobState
from core.jobs.ledger import Ticket
from core.node.node import Node
from core.result import Ok
from core.webhooks.create_endpoint import NewEndpoint
from tests.conftest import Databases
from tests.jobs_lab import Lab, open_lab
from tests.webhook_receiver import Receiver, receiving

RECORDED = Path(__file__).parent.parent / "recorded" / "jobs"
NAMES = sorted(path.name for path in RECORDED.iterdir())


@pytest.fixture
def node(settings: Settings) -> Iterator[Node]:
    allowed = settings.model_copy(update={"webhook_allowed_hosts": ("127.0.0.1",)})
    with open_node(allowed) as node:
        yield node


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def lab(settings: Settings, databases: Databases, node: Node) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        lab.kinds.update(node.kinds)
        yield lab


@pytest.mark.parametrize("name", NAMES)
def test_a_job_of_an_earlier_release_runs_to_success(
    name: str, node: Node, lab: Lab, acme: Context, *, receiver: Receiver, tmp_path: Path
) -> None:
    kind, version = parts(name)
    recorded = json.loads((RECORDED / name).read_text("utf-8"))
    if kind == "records.import":
        upload(node, acme, recorded, tmp_path / "rows.csv")
    elif kind == "webhooks.deliver":
        expect_delivery(node, acme, recorded, receiver)
    job_id = str(uuid.uuid4())
    lab.sql(
        "INSERT INTO jobs (tenant_id, job_id, kind, kind_version, queue, payload, checkpoint,"
        " attempt, max_attempts, key_id, roles, correlation_id) VALUES ('acme', :id, :kind,"
        " :version, 'default', CAST(:payload AS jsonb), CAST(:checkpoint AS jsonb), :attempt, 5,"
        " 'acme-key', '{admin}', :correlation_id)",
        {
            "id": job_id,
            "kind": kind,
            "version": version,
            "payload": json.dumps(recorded["payload"]),
            "checkpoint": recorded["checkpoint"] and json.dumps(recorded["checkpoint"]),
            "attempt": 0 if recorded["checkpoint"] is None else 1,
            "correlation_id": acme.correlation_id,
        },
    )
    lab.runner()(Ticket("acme", job_id, 0, "default"))
    found = lab.jobs.get(acme, job_id)
    assert isinstance(found, Ok)
    ended = found.value
    assert ended.state is JobState.SUCCEEDED, ended.error
    assert ended.result is not None
    assert recorded["result"].items() <= ended.result.items()


def test_every_kind_has_a_recording_of_its_present_version(node: Node) -> None:
    present = {f"{kind.name}.v{kind.version}.json" for kind in node.kinds.values()}
    assert not present - set(NAMES), "see CONTRIBUTING.md, Add a kind of job"


def test_every_recording_is_of_a_kind_that_is_still_there(node: Node) -> None:
    for name in NAMES:
        kind, version = parts(name)
        assert version <= node.kinds[kind].version


def parts(name: str) -> tuple[str, int]:
    kind, _, version = name.removesuffix(".json").rpartition(".v")
    return kind, int(version)


def upload(node: Node, context: Context, recorded: Mapping[str, Any], path: Path) -> None:
    """Puts the file there that the payload names."""
    path.write_text("\n".join(recorded["file"]) + "\n", "utf-8")
    keeper = node.files.keeper
    file = keeper.write(
        context, kind="upload", filename=path.name, media_type="text/csv", source=path
    )
    with node.database.begin(context) as unit:
        keeper.record(unit, file)
        unit.execute(
            "UPDATE files SET file_id = :wanted"
            " WHERE tenant_id = :tenant_id AND file_id = :file_id",
            {
                "tenant_id": context.tenant_id,
                "file_id": file.file_id,
                "wanted": recorded["payload"]["file_id"],
            },
        )
        unit.commit(None)


def expect_delivery(
    node: Node, context: Context, recorded: Mapping[str, Any], receiver: Receiver
) -> None:
    """Puts the delivery there that the payload names."""
    endpoint = node.webhooks.create(context, NewEndpoint(receiver.url))
    assert isinstance(endpoint, Ok)
    delivery = node.webhooks.test(context, endpoint.value.endpoint.endpoint_id)
    assert isinstance(delivery, Ok)
    with node.database.begin(context) as unit:
        unit.execute(
            "UPDATE webhook_deliveries SET delivery_id = :wanted"
            " WHERE tenant_id = :tenant_id AND delivery_id = :delivery_id",
            {
                "tenant_id": context.tenant_id,
                "delivery_id": delivery.value.delivery_id,
                "wanted": recorded["payload"]["delivery_id"],
            },
        )
        unit.commit(None)
