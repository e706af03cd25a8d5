"""Is an endpoint: where a tenant wants to be told, what of, and how well that goes."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from core.failures import Failure
from core.platform.public_address import is_public
from core.reasons import Reason

TEST_EVENT = "webhook.test"
# Visible ASCII: everything else is written with % in a path and as xn-- in a host name.
VISIBLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Filter:
    """Says what an endpoint is told of; empty means all."""

    event_types: tuple[str, ...] = ()
    job_kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Is one endpoint without its secret. It is enabled while `disabled_at` is None."""

    endpoint_id: str
    url: str
    description: str
    filter: Filter
    disabled_at: datetime | None
    disabled_reason: str
    failures_in_row: int
    failing_since: datetime | None
    paused_until: datetime | None
    old_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class IssuedEndpoint:
    """Is an endpoint with its new secret, which is shown this once."""

    endpoint: Endpoint
    secret: str


@dataclass(frozen=True, slots=True)
class Target:
    """Is the URL of an endpoint, taken apart. `trusted` is a host that the operator has named."""

    secure: bool
    host: str
    port: int
    path: str
    trusted: bool


def target_of(url: str, allowed_hosts: Collection[str]) -> Target:
    """Returns the target; raises ValueError, in words for whoever gave the URL, for a bad one.

    Says nothing of what a name resolves to: that is looked at whenever something is sent.
    """
    if not VISIBLE.fullmatch(url):
        raise ValueError("may only have visible ASCII characters")
    parts = urlsplit(url)
    # Raises ValueError by itself for what is no port.
    port, host = parts.port, (parts.hostname or "").rstrip(".")
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError("is no URL such as https://example.com/hooks")
    if "@" in parts.netloc:
        raise ValueError("must not have a user or a password")
    if parts.fragment or "\\" in url:
        raise ValueError("must have neither a fragment nor a backslash")
    if port == 0:
        raise ValueError("must not have the port 0")
    trusted = host in allowed_hosts
    secure = parts.scheme == "https"
    if not secure and not trusted:
        raise ValueError("must begin with https://")
    if not trusted and _is_private_literal(host):
        raise ValueError("is an address that the node does not send to")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(secure, host, port or (443 if secure else 80), path, trusted)


def _is_private_literal(host: str) -> bool:
    try:
        return not is_public(ipaddress.ip_address(host))
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def refused_url(url: str, allowed_hosts: Collection[str]) -> Failure | None:
    """Returns why an endpoint cannot have the URL, or None."""
    try:
        target_of(url, allowed_hosts)
    except ValueError as fault:
        return Failure(
            Reason.WEBHOOK_ADDRESS_REFUSED,
            f"The url {fault}.",
            {"field": "url", "problem": str(fault)},
        )
    return None
