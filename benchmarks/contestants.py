"""Starts everything that the rpc benchmark compares, each doing nothing until it is driven."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.generator import Credential, Target
from benchmarks.node import Ground, served
from benchmarks.processes import Server, free_port, listens, started
from howdah.node.v1 import node_pb2 as pb

PING = "/howdah.node.v1.NodeService/Ping"
REQUEST = pb.PingRequest(message="How much did we sell last week?")
SERVER_CORE, GENERATOR_CORE = 0, 1
BOTH = {SERVER_CORE, GENERATOR_CORE}


@dataclass(frozen=True)
class Contestant:
    """Is one way to answer the call: where it is reached, and on which cores it is driven."""

    name: str
    servers: tuple[Server, ...]
    target: Target
    generator_cores: frozenset[int]

    def cpu_seconds(self) -> float:
        """Returns what its processes have used of the processors."""
        return sum(server.cpu_seconds() for server in self.servers)


@contextmanager
def contestants(on: Ground) -> Iterator[list[Contestant]]:
    """Yields all of them; processes that share a port have a core each."""
    with ExitStack() as stack:
        yield [
            _node(stack, on, "chain", processes=1, tracing=True),
            _node(stack, on, "chain_untraced", processes=1, tracing=False),
            *_bare(stack, on, "bare", processes=1),
            _fastapi(stack, on),
            _node(stack, on, "chain_two", processes=2, tracing=True),
            *_bare(stack, on, "bare_two", processes=2),
        ]


@contextmanager
def called_from_php(on: Ground) -> Iterator[list[Contestant]]:
    """Yields those that a PHP process calls: `chain`, `bare` and `fastapi`."""
    with ExitStack() as stack:
        yield [
            _node(stack, on, "chain", processes=1, tracing=True),
            next(_bare(stack, on, "bare", processes=1)),
            _fastapi(stack, on),
        ]


def _node(stack: ExitStack, on: Ground, name: str, *, processes: int, tracing: bool) -> Contestant:
    cores = {SERVER_CORE} if processes == 1 else BOTH
    server, address = stack.enter_context(
        served(on, name, processes=processes, cores=cores, tracing=tracing)
    )
    return _contestant(name, (server,), grpc_target(address, on.credential), processes)


def _bare(stack: ExitStack, on: Ground, name: str, *, processes: int) -> Iterator[Contestant]:
    port = free_port()
    address = f"127.0.0.1:{port}"
    share = ("--share-port",) if processes > 1 else ()
    servers = tuple(
        _peer(stack, on, "bare", port, core, "--address", address, *share)
        for core in sorted(BOTH)[:processes]
    )
    yield _contestant(name, servers, grpc_target(address, on.credential), processes)
    if processes == 1:
        # The metadata of a signed call cost the bare server something too: say how much.
        yield _contestant(f"{name}_without_metadata", servers, grpc_target(address, None), 1)


def _fastapi(stack: ExitStack, on: Ground) -> Contestant:
    port = free_port()
    server = _peer(stack, on, "fastapi_sidecar", port, SERVER_CORE, "--port", str(port))
    body = b'{"message": "%s"}' % REQUEST.message.encode()
    target = Target("http", f"127.0.0.1:{port}", "/v1/ping", body, on.credential)
    return _contestant("fastapi", (server,), target, 1)


def _peer(
    stack: ExitStack, on: Ground, module: str, port: int, core: int, *arguments: str
) -> Server:
    command = [sys.executable, "-m", f"benchmarks.peers.{module}", *arguments]
    environment = {"LOAD_KEY_ID": on.credential.key_id, "LOAD_SECRET": on.credential.secret}
    log: Path = on.directory / f"{module}-{port}-{core}.log"
    server = stack.enter_context(started(command, log, cores={core}, environment=environment))
    server.wait_until(lambda: listens(port), module)
    return server


def _contestant(
    name: str, servers: tuple[Server, ...], target: Target, processes: int
) -> Contestant:
    generator = {GENERATOR_CORE} if processes == 1 else BOTH
    return Contestant(name, servers, target, frozenset(generator))


def grpc_target(address: str, credential: Credential | None) -> Target:
    """Returns the call to a gRPC server; without a credential it carries no metadata."""
    return Target("grpc", address, PING, REQUEST.SerializeToString(), credential)


def uvicorn_stack() -> str:
    """Says which event loop and HTTP parser uvicorn takes: its faster ones where installed."""
    loop = "uvloop" if find_spec("uvloop") else "asyncio"
    parser = "httptools" if find_spec("httptools") else "h11"
    return f"{loop}, {parser}"
