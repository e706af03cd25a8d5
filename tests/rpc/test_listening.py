"""Listens as the settings say: TCP, TLS, client certificates, a unix socket."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import CollectorRegistry

from core.bootstrap import open_node
from core.config import load_settings
from server.app import build_server
from server.process import free_socket, listen
from tests.conftest import DatabaseUrls, environment_of
from tests.servers import free_port


@dataclass(frozen=True)
class Identity:
    """Is a certificate with its key, both as PEM."""

    certificate: bytes
    key: bytes


def identity(name: str, issuer: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None) -> Any:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    issuer_name, issuer_key = issuer or (subject, key)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return subject, key, Identity(certificate.public_bytes(serialization.Encoding.PEM), pem)


@dataclass(frozen=True)
class Authority:
    """Is a certificate authority with a server and a client that it vouches for."""

    root: bytes
    server: Identity
    client: Identity


@pytest.fixture(scope="module")
def authority() -> Authority:
    subject, key, root = identity("authority", None)
    _, _, server = identity("localhost", (subject, key))
    _, _, client = identity("php", (subject, key))
    return Authority(root.certificate, server, client)


@pytest.fixture
def environment(urls: DatabaseUrls, redis_server: str, tmp_path: Path) -> dict[str, str]:
    address = {"HOWDAH_GRPC_ADDRESS": f"localhost:{free_port()}"}
    return environment_of(urls, redis_server, tmp_path) | address


@pytest.fixture
def tls(environment: dict[str, str], authority: Authority, tmp_path: Path) -> dict[str, str]:
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    certificate.write_bytes(authority.server.certificate)
    key.write_bytes(authority.server.key)
    return environment | {
        "HOWDAH_GRPC_TLS_CERTIFICATE_FILE": str(certificate),
        "HOWDAH_GRPC_TLS_KEY_FILE": str(key),
    }


class listening:  # noqa: N801 - used as a context manager, like a function
    """Serves with the settings of an environment until the block ends."""

    def __init__(self, environment: dict[str, str], index: int = 0) -> None:
        self._settings = load_settings(environment)
        self._index = index

    def __enter__(self) -> str:
        self._opening = open_node(self._settings)
        node = self._opening.__enter__()
        self._application = build_server(node, CollectorRegistry())
        listen(self._application.server, self._settings, self._index)
        self._application.server.start()
        self._application.set_serving(serving=True)
        return self._settings.grpc_address

    def __exit__(self, *_fault: object) -> None:
        self._application.drain(wait_seconds=0, grace_seconds=0)
        self._opening.__exit__(None, None, None)


def is_serving(channel: grpc.Channel) -> bool:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    with channel:
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=3)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def secure(address: str, authority: Authority, client: Identity | None = None) -> grpc.Channel:
    return grpc.secure_channel(
        address,
        grpc.ssl_channel_credentials(
            authority.root,
            client.key if client else None,
            client.certificate if client else None,
        ),
    )


def test_with_a_certificate_only_tls_is_spoken(tls: dict[str, str], authority: Authority) -> None:
    with listening(tls) as address:
        assert is_serving(secure(address, authority))
        assert not is_serving(grpc.insecure_channel(address))


def test_with_an_authority_a_client_needs_its_certificate(
    tls: dict[str, str], authority: Authority, tmp_path: Path
) -> None:
    root = tmp_path / "root.pem"
    root.write_bytes(authority.root)
    _, _, stranger = identity("stranger", None)
    with listening(tls | {"HOWDAH_GRPC_TLS_CLIENT_CA_FILE": str(root)}) as address:
        assert is_serving(secure(address, authority, authority.client))
        assert not is_serving(secure(address, authority))
        assert not is_serving(secure(address, authority, stranger))


@pytest.fixture
def socket(server_directory: Path) -> Iterator[Path]:
    path = server_directory / "grpc.sock"
    yield path
    path.unlink(missing_ok=True)


def test_a_unix_socket_is_served_by_the_first_process_alone(
    environment: dict[str, str], socket: Path
) -> None:
    environment["HOWDAH_GRPC_UNIX_SOCKET"] = str(socket)
    with listening(environment, index=1) as address:
        assert is_serving(grpc.insecure_channel(address))
        assert not socket.exists()
    with listening(environment, index=0) as address:
        assert is_serving(grpc.insecure_channel(f"unix:{socket}"))
        assert is_serving(grpc.insecure_channel(address))
        with pytest.raises(RuntimeError, match="another node listens"):
            free_socket(socket)
        assert is_serving(grpc.insecure_channel(f"unix:{socket}"))
    socket.touch()
    free_socket(socket)
    assert not socket.exists()
