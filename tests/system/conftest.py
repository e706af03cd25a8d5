from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from howdah_client import Credential, SignedChannel, connect
from tests.servers import OwnNode


@dataclass(frozen=True)
class EmbeddedNode:
    """Is `howdah up` with servers of its own, the tenants acme and globex, and a key for each."""

    node: OwnNode
    directory: Path
    keys: dict[str, Credential]

    def ask(self, *arguments: str, body: bytes = b"") -> Any:
        """Runs a command that prints JSON, and returns what it says."""
        done = self.node.run(*arguments, body=body)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def refused(self, *arguments: str, body: bytes = b"") -> tuple[int, str]:
        """Runs a command that must fail; returns its code and what it complains of."""
        done = self.node.run(*arguments, body=body)
        assert done.returncode != 0, done.stdout.decode()
        return done.returncode, done.stderr.decode()

    def connect(self, tenant: str) -> SignedChannel:
        return connect(self.node.grpc_address, self.keys[tenant], tenant=tenant)


def short_directory(name: str) -> Path:
    """Returns a directory whose path leaves room for the name of a unix socket."""
    return Path(tempfile.mkdtemp(prefix=f"howdah-{name}-"))


@pytest.fixture(scope="session")
def embedded() -> Iterator[EmbeddedNode]:
    directory = short_directory("node")
    small = {"HOWDAH_SERVER_PROCESSES": "2", "HOWDAH_WORKER_PROCESSES": "1"}
    node = OwnNode(directory, small)
    try:
        found = EmbeddedNode(node, directory, {})
        for tenant, currency in (("acme", "USD"), ("globex", "GBP")):
            found.ask("tenants", "create", tenant, "--currency", currency, "--json")
            made = found.ask("keys", "create", "--tenant", tenant, "--role", "editor", "--json")
            found.keys[tenant] = Credential(made["credential"]["key_id"], made["secret"])
        yield found
    finally:
        code, log = node.stop(), node.log()
        shutil.rmtree(directory, ignore_errors=True)
    assert code == 0, log[-3000:]
