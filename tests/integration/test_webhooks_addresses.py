"""What is connected to is what was checked, whatever a name means by then."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.platform.public_address import is_public
from core.webhooks import send
from core.webhooks.send import Sender, Tried, Verdict
from tests.webhook_receiver import Receiver, receiving

NAME = "receiver.example"


class Resolver:
    """Answers with the next of some addresses each time it is asked, and with the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked: list[str] = []
        self._answers = answers

    def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._answers[min(len(self.asked), len(self._answers)) - 1]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def sent(
    url: str, resolver: Resolver, *, tls: ssl.SSLContext | None = None, hosts: Sequence[str]
) -> Tried:
    sender = Sender(allowed_hosts=hosts, seconds=2.0, resolve=resolver, tls=tls)
    return sender(url, {"webhook-id": "1"}, b"{}")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "169.254.169.254", "::ffff:127.0.0.1"])
def test_a_name_of_a_private_address_is_not_connected_to(address: str, receiver: Receiver) -> None:
    tried = sent(f"https://{NAME}:{receiver.port}/", Resolver([address]), hosts=())

    assert tried.verdict is Verdict.REFUSED
    assert tried.error == "The host has an address that the node does not send to."
    assert receiver.connections == 0


def test_a_name_that_turns_private_after_the_check_leads_nowhere(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Public at the first look, as far as the check can tell, and the receiver's own at the second.
    rebinding = Resolver(["127.0.0.2"], ["127.0.0.1"])
    monkeypatch.setattr(
        "core.platform.public_address.is_public",
        lambda address: str(address) == "127.0.0.2" or is_public(address),
    )
    url = f"https://{NAME}:{receiver.port}/"

    first, second = sent(url, rebinding, hosts=()), sent(url, rebinding, hosts=())

    # One look for each try: the first went to the address that was checked, where nobody listens.
    assert rebinding.asked == [NAME, NAME]
    assert (first.verdict, first.error) == (Verdict.FAILED, "The receiver refused the connection.")
    assert second.verdict is Verdict.REFUSED
    assert receiver.connections == 0


def test_a_host_the_operator_no_longer_names_gets_nothing(receiver: Receiver) -> None:
    url = f"http://php.internal:{receiver.port}/"

    assert sent(url, Resolver(["127.0.0.1"]), hosts=("php.internal",)).verdict is Verdict.DELIVERED
    refused = sent(url, Resolver(["127.0.0.1"]), hosts=())
    assert (refused.verdict, refused.error) == (
        Verdict.REFUSED,
        "The url must begin with https://.",
    )
    assert receiver.connections == 1
    assert receiver.requests[0].headers["host"] == f"php.internal:{receiver.port}"


def test_the_next_address_is_tried_where_one_does_not_answer(receiver: Receiver) -> None:
    resolver = Resolver(["127.0.0.3", "127.0.0.1"])

    assert sent(f"http://php:{receiver.port}/", resolver, hosts=("php",)).verdict is (
        Verdict.DELIVERED
    )


def test_a_name_that_nobody_has_is_a_failure() -> None:
    def unknown(_host: str, _port: int) -> Sequence[str]:
        raise OSError(-2, "Name or service not known")

    tried = Sender(allowed_hosts=(), seconds=2.0, resolve=unknown)(f"https://{NAME}/", {}, b"")

    assert (tried.verdict, tried.error) == (Verdict.FAILED, "The receiver cannot be reached.")


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example", "howdah.invalid"])
def test_a_name_that_cannot_be_is_a_failure(host: str) -> None:
    tried = Sender(allowed_hosts=(), seconds=2.0)(f"https://{host}/", {}, b"")

    assert (tried.verdict, tried.error) == (Verdict.FAILED, "The receiver cannot be reached.")


def test_tls_is_spoken_with_the_name_and_not_with_the_address(tmp_path: Path) -> None:
    names: list[str | None] = []
    server, client = tls_for(NAME, tmp_path)
    server.sni_callback = lambda _connection, name, _context: names.append(name)
    with receiving(server) as receiver:
        good = sent(
            f"https://{NAME}:{receiver.port}/", Resolver(["127.0.0.1"]), tls=client, hosts=(NAME,)
        )
        other = sent(
            f"https://other.example:{receiver.port}/",
            Resolver(["127.0.0.1"]),
            tls=client,
            hosts=("other.example",),
        )

    assert good.verdict is Verdict.DELIVERED
    assert names == [NAME, "other.example"]
    assert len(receiver.requests) == 1
    assert other.verdict is Verdict.FAILED
    assert other.error.startswith("The receiver's certificate is not good: Hostname mismatch")


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    server, _client = tls_for(NAME, tmp_path)
    with receiving(server) as receiver:
        tried = sent(f"https://{NAME}:{receiver.port}/", Resolver(["127.0.0.1"]), hosts=(NAME,))

    assert tried.error.startswith("The receiver's certificate is not good: self-signed")
    assert receiver.requests == []


def test_a_server_that_speaks_no_tls_is_a_failure(receiver: Receiver) -> None:
    tried = sent(f"https://{NAME}:{receiver.port}/", Resolver(["127.0.0.1"]), hosts=(NAME,))

    assert tried.verdict is Verdict.FAILED
    assert receiver.requests == []


def tls_for(name: str, directory: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Returns what a server of that name, and a client that trusts it, speak TLS with."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = directory / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(
        cadata=certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
    )


def test_the_default_names_itself_and_its_form(receiver: Receiver) -> None:
    sent(f"http://php:{receiver.port}/a?b=c", Resolver(["127.0.0.1"]), hosts=("php",))

    [request] = receiver.requests
    assert request.line == "POST /a?b=c HTTP/1.1"
    assert request.headers["user-agent"] == send.USER_AGENT
    assert (request.headers["content-length"], request.body) == ("2", b"{}")
