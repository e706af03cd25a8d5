from __future__ import annotations

import socket

import pytest

from server.ports import PortTakenError, join, listen, reserve, split


def sharing_listener(address: str) -> socket.socket:
    """Listens as grpcio does with `grpc.so_reuseport`."""
    host, port = split(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    shared = socket.socket(family)
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    shared.bind((host, port))
    shared.listen()
    return shared


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:0"])
def test_the_processes_of_a_node_share_its_port(address: str) -> None:
    held, chosen = reserve(address)
    with held, sharing_listener(chosen), sharing_listener(chosen):
        host, port = split(chosen)
        with socket.create_connection((host, port), timeout=2):
            assert port > 0


def test_a_second_node_is_refused_before_the_first_listens() -> None:
    held, chosen = reserve("127.0.0.1:0")
    with held, pytest.raises(PortTakenError, match="Is another node running"):
        reserve(chosen)


def test_a_second_node_is_refused_while_the_first_listens() -> None:
    held, chosen = reserve("127.0.0.1:0")
    with held, sharing_listener(chosen), pytest.raises(PortTakenError):
        reserve(chosen)


def test_a_port_that_a_stranger_shares_is_taken() -> None:
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        address = join("127.0.0.1", any_port.getsockname()[1])
    with sharing_listener(address), pytest.raises(PortTakenError):
        reserve(address)


def test_a_node_may_start_again_while_old_connections_fade() -> None:
    held, chosen = reserve("127.0.0.1:0")
    with held, sharing_listener(chosen) as server:
        client = socket.create_connection(split(chosen), timeout=2)
        accepted, _ = server.accept()
        accepted.close()  # the side that closes first keeps the port in TIME_WAIT
        client.close()
    again, _ = reserve(chosen)
    with again, sharing_listener(chosen):
        pass


def test_the_admin_port_is_not_shared() -> None:
    admin, chosen = listen("127.0.0.1:0")
    with admin, pytest.raises(PortTakenError):
        reserve(chosen)


@pytest.mark.parametrize("address", ["50051", "host:", "host:x", "host:70000", ""])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        split(address)


def test_a_host_that_does_not_exist_is_a_clear_error() -> None:
    with pytest.raises(PortTakenError, match="cannot listen on"):
        reserve("no-such-host.invalid:1")
