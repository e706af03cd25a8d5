"""Takes a port for one node, so that its processes can share it and no second node can."""

from __future__ import annotations

import socket
from typing import Any


class PortTakenError(Exception):
    """Says which address is taken."""


def split(address: str) -> tuple[str, int]:
    """Returns host and port of `host:port` or `[v6]:port`; raises ValueError for anything else."""
    host, separator, port = address.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65_535:  # noqa: PLR2004
        raise ValueError(f"{address!r} is no host:port")
    return host.strip("[]"), int(port)


def join(host: str, port: int) -> str:
    """Returns `host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reserve(address: str) -> tuple[socket.socket, str]:
    """Takes the port and lets only this user's SO_REUSEPORT sockets share it.

    Returns the socket, which never listens and is held as long as the node runs, and the address
    with the port that was chosen where `address` says port 0. Raises PortTakenError.
    """
    taken, chosen = _bind(address)
    # After the bind: it was refused where anybody else had the port, whether shared or not. From
    # here on only sockets that share may join, and a second node's first bind does not.
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return taken, chosen


def listen(address: str) -> tuple[socket.socket, str]:
    """Returns a listening socket of our own and its address. Raises PortTakenError."""
    listening, chosen = _bind(address)
    listening.listen(64)
    return listening, chosen


def _bind(address: str) -> tuple[socket.socket, str]:
    host, port = split(address)
    family, kind, protocol, place = _resolve(host, port)
    bound = socket.socket(family, kind, protocol)
    try:
        # Connections of a node that has just stopped do not keep the port from the next one.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(place)
    except OSError as fault:
        bound.close()
        raise PortTakenError(
            f"cannot listen on {address}: {fault.strerror}. "
            "Is another node running? `HOWDAH_GRPC_ADDRESS` and `HOWDAH_ADMIN_ADDRESS` choose"
            " other addresses; port 0 takes any free one."
        ) from fault
    return bound, join(host, bound.getsockname()[1])


def _resolve(host: str, port: int) -> tuple[int, int, int, tuple[Any, ...]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as fault:
        raise PortTakenError(f"cannot listen on {host}: {fault.strerror}") from fault
    family, kind, protocol, _, place = found[0]
    return family, kind, protocol, place
