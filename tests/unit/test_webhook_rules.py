"""Checks what can be decided about webhooks without sending any."""

from __future__ import annotations

import ipaddress
import json
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from core.platform.public_address import AddressRefusedError, addresses_to_call, is_public
from core.webhooks.endpoint import refused_url, target_of
from core.webhooks.retries import RETRY_SECONDS, retry_after_seconds, retry_seconds
from core.webhooks.signing import new_secret, shown, signature_headers

VECTORS = Path(__file__).parent.parent / "vectors"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.7",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "::ffff:8.8.8.8",
        "::10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:a00:1::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_nothing_is_sent_to_what_is_not_of_the_internet(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(AddressRefusedError) as refused:
        addresses_to_call("name.example", 443, trusted=False, resolve=lambda _h, _p: [address])
    assert address not in str(refused.value)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "172.15.0.1", "172.32.0.1", "192.0.1.1", "2a00:1450::1", "2606:4700::1"]
)
def test_the_internet_is_sent_to(address: str) -> None:
    found = addresses_to_call("name.example", 443, trusted=False, resolve=lambda _h, _p: [address])

    assert found == [address]


def test_one_private_address_among_public_ones_is_refused() -> None:
    with pytest.raises(AddressRefusedError):
        addresses_to_call(
            "name.example", 443, trusted=False, resolve=lambda _h, _p: ["8.8.8.8", "10.0.0.1"]
        )


def test_a_host_that_the_operator_named_may_be_private() -> None:
    found = addresses_to_call("php", 80, trusted=True, resolve=lambda _h, _p: ["10.0.0.1"])

    assert found == ["10.0.0.1"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "receiver.example",
        "//receiver.example/hooks",
        "http://receiver.example/hooks",
        "ftp://receiver.example/hooks",
        "file:///etc/passwd",
        "https:///hooks",
        "https://user@receiver.example/hooks",
        "https://user:password@receiver.example/hooks",
        "https://@receiver.example/hooks",
        "https://receiver.example/hooks#part",
        "https://receiver.example:99999/hooks",
        "https://receiver.example:port/hooks",
        "https://receiver.example:0/hooks",
        "https://receiver.example\\@10.0.0.1/",
        "https://receiver.example/a b",
        "https://receiver.example/\r\nX-Header: 1",
        "https://empfänger.example/hooks",
        "https://127.0.0.1/hooks",
        "https://[::1]/hooks",
        "https://[::ffff:169.254.169.254]/hooks",
        "https://[nonsense]/hooks",
        "https://localhost/hooks",
        "https://api.localhost./hooks",
        "http://10.0.0.1/hooks",
    ],
)
def test_a_url_that_nothing_is_sent_to_is_refused(url: str) -> None:
    failure = refused_url(url, ("php.internal",))

    assert failure is not None
    assert failure.reason.name == "WEBHOOK_ADDRESS_REFUSED"


def test_a_url_is_taken_apart() -> None:
    target = target_of("https://Receiver.Example/hooks/a%20b?of=acme&x=1", ())
    assert (target.secure, target.host, target.port) == (True, "receiver.example", 443)
    assert target.path == "/hooks/a%20b?of=acme&x=1"
    assert target_of("https://receiver.example:8443", ()).port == 8_443
    assert target_of("https://receiver.example?x=1", ()).path == "/?x=1"


def test_a_host_that_the_operator_named_needs_no_tls_and_may_be_an_address() -> None:
    named = target_of("http://php.internal:8080/hooks", ("php.internal",))
    assert (named.secure, named.port, named.trusted) == (False, 8_080, True)
    assert target_of("http://[fd00::1]/", ("fd00::1",)).trusted
    assert not target_of("https://evil.php.internal/", ("php.internal",)).trusted


def test_the_waits_grow_from_seconds_to_a_day_with_jitter() -> None:
    shortest = [retry_seconds(number, 0, random=lambda: 0.0) for number in range(1, 11)]
    longest = [retry_seconds(number, 0, random=lambda: 1.0) for number in range(1, 10)]

    assert shortest == [*RETRY_SECONDS, None]
    assert longest == pytest.approx([seconds * 1.2 for seconds in RETRY_SECONDS])


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("Sat, 21 Nov 2026 12:10:00 GMT", 600),
        ("Sat, 21 Nov 2026 12:10:00 -0000", 600),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0),
        ("9" * 5_000, 999_999_999),
        ("-5", 0),
        ("1.5", 0),
        ("", 0),
        ("²", 0),
        ("soon", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float) -> None:
    assert retry_after_seconds(header, NOW) == seconds


def test_what_is_signed_with_two_keys_verifies_with_either() -> None:
    keys = [new_secret(), new_secret()]
    headers = signature_headers(
        keys, message_id="id-1", timestamp=int(datetime.now(UTC).timestamp()), body=b"{}"
    )

    for key in keys:
        assert Webhook(shown(key)).verify("{}", headers) == {}
    assert headers["webhook-signature"].count(" ") == 1


@pytest.mark.parametrize("name", ["one signature", "of the old secret and the new"])
def test_the_vectors_that_php_verifies_are_signed_as_the_node_signs(name: str) -> None:
    vectors = json.loads((VECTORS / "webhooks.json").read_text("utf-8"))["cases"]
    [case] = [case for case in vectors if case["name"] == name]
    old, new = vectors[0]["secrets"][0], case["secrets"][0]
    keys = [b64decode(secret.removeprefix("whsec_")) for secret in dict.fromkeys((old, new))]

    assert case["headers"] == signature_headers(
        keys,
        message_id=case["headers"]["webhook-id"],
        timestamp=case["now"],
        body=case["body"].encode(),
    )
