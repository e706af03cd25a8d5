"""Tells which addresses the node may call for a customer, and resolves a name to such alone."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve: TypeAlias = Callable[[str, int], Sequence[str]]

# Named one by one: what `is_global` and its like say has changed between releases of Python.
REFUSED_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, where some clouds have their metadata
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, with the metadata of the clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "168.63.129.16/32",  # Azure's own services
    )
)
# Only this is given out for the internet. It leaves out loopback, IPv4 in IPv6, NAT64, link-local,
# unique local and multicast.
GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
REFUSED_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, with Teredo, which carries an IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which carries an IPv4 address
        "3fff::/20",  # documentation
    )
)


class AddressRefusedError(Exception):
    """Says that a host has no address that the node may call."""


def is_public(address: Address) -> bool:
    """Tells whether the address is one of the internet's, and of nobody's own network."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in REFUSED_V4)
    return address in GLOBAL_V6 and not any(address in network for network in REFUSED_V6)


def resolve(host: str, port: int) -> Sequence[str]:
    """Returns the addresses of a host, as the machine's resolver orders them. Raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except UnicodeError as fault:
        # Such as a part of the name with more than 63 characters.
        raise OSError(str(fault)) from fault
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def addresses_to_call(
    host: str, port: int, *, trusted: bool, resolve: Resolve = resolve
) -> Sequence[str]:
    """Returns the addresses to connect to, none of them looked up again.

    Raises AddressRefusedError where one of them is not public and the host is not trusted: a name
    that mixes both is made to get past a check. Raises OSError where there is none.
    """
    found = resolve(host, port)
    if not trusted and not all(is_public(ipaddress.ip_address(address)) for address in found):
        # Not which: what a name means inside is not for a customer to learn.
        raise AddressRefusedError("The host has an address that the node does not send to.")
    return found
