"""Starts nodes of this tree on one embedded Postgres and Redis, with a tenant and a credential."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.generator import Credential
from benchmarks.processes import Server, clean_environment, free_port, started
from benchmarks.results import ROOT
from core.platform.embedded import embedded_secrets_key, embedded_servers
from core.platform.migrate import migrate

HOWDAH = str(Path(sys.executable).with_name("howdah"))
TENANT = "acme"
# The benchmark measures what a call costs, not how it is refused.
NO_RATE_LIMIT = {
    "HOWDAH_RATE_LIMIT_CALLS_PER_SECOND": "1000000",
    "HOWDAH_RATE_LIMIT_BURST_CALLS": "1000000",
}


@dataclass(frozen=True)
class Ground:
    """Is what nodes stand on: the variables that name the servers, and a credential."""

    directory: Path
    environment: dict[str, str]
    credential: Credential


@contextmanager
def ground(directory: Path) -> Iterator[Ground]:
    """Yields migrated servers with one tenant and one credential of an editor."""
    with embedded_servers(directory) as servers:
        migrate(servers.migrator_database_url)
        environment = {f"HOWDAH_{name.upper()}": url for name, url in asdict(servers).items()}
        environment["HOWDAH_SECRETS_KEY"] = embedded_secrets_key(directory)
        environment["HOWDAH_DATA_DIR"] = str(directory)
        yield Ground(directory, environment, create_credential(environment, TENANT))


def create_credential(environment: dict[str, str], tenant: str) -> Credential:
    """Creates the tenant and a credential for it, as an operator does."""
    _howdah(environment, "tenants", "create", tenant, "--json")
    made = json.loads(_howdah(environment, "keys", "create", "--tenant", tenant, "--json"))
    return Credential(made["credential"]["key_id"], made["secret"])


def _howdah(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [HOWDAH, *arguments],
        cwd=ROOT,
        env={**clean_environment(), **environment},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"howdah {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


@contextmanager
def served(
    on: Ground, name: str, *, processes: int, cores: set[int], tracing: bool
) -> Iterator[tuple[Server, str]]:
    """Yields a running `howdah serve` and its address; each process takes one core for itself."""
    directory = on.directory / name
    directory.mkdir()
    address = f"127.0.0.1:{free_port()}"
    environment = {
        **on.environment,
        **NO_RATE_LIMIT,
        "HOWDAH_DATA_DIR": str(directory),
        "HOWDAH_GRPC_ADDRESS": address,
        "HOWDAH_ADMIN_ADDRESS": "127.0.0.1:0",
        "HOWDAH_SERVER_PROCESSES": str(processes),
        "HOWDAH_LOG_FORMAT": "json",
        "HOWDAH_TRACING": str(tracing).lower(),
        "HOWDAH_TRACE_SAMPLE_RATIO": "0",
    }
    log = directory / "node.log"
    with started([HOWDAH, "serve"], log, cores=cores, environment=environment) as server:
        server.wait_until(
            lambda: log.read_text("utf-8").count('"server_started"') == processes, f"node {name}"
        )
        yield server, address


@dataclass(frozen=True)
class WholeNode:
    """Is a running `howdah up`, and the variables with which commands find it."""

    server: Server
    address: str
    environment: dict[str, str]


@contextmanager
def whole_node(directory: Path) -> Iterator[WholeNode]:
    """Yields a node with servers, workers and dispatcher of its own, on all cores."""
    address = f"127.0.0.1:{free_port()}"
    environment = {
        "HOWDAH_DATA_DIR": str(directory / "node"),
        "HOWDAH_GRPC_ADDRESS": address,
        "HOWDAH_ADMIN_ADDRESS": "127.0.0.1:0",
        "HOWDAH_LOG_FORMAT": "json",
    }
    log, cores = directory / "node.log", os.sched_getaffinity(0)
    with started([HOWDAH, "up"], log, cores=cores, environment=environment) as server:
        server.wait_until(lambda: "The node is up" in log.read_text("utf-8"), "the node")
        yield WholeNode(server, address, environment)
