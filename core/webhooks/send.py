"""Sends a message once: signed, to an address that was checked, and bounded in time and size."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from core.platform.http_post import PostedAnswer, post
from core.platform.public_address import (
    AddressRefusedError,
    Resolve,
    addresses_to_call,
    resolve,
)
from core.webhooks.endpoint import target_of
from core.webhooks.retries import retry_after_seconds

USER_AGENT = "Howdah-Webhooks/1"


class Verdict(StrEnum):
    """Says what became of one try."""

    DELIVERED = "delivered"
    FAILED = "failed"
    REFUSED = "refused"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Tried:
    """Is one try: the verdict, and what the log says of it."""

    verdict: Verdict
    started_at: datetime
    seconds: float
    status: int | None = None
    error: str = ""
    answer: str = ""
    retry_after: float = 0.0


class Sender:
    """Sends to whom an endpoint names; never raises for what a receiver does."""

    def __init__(
        self,
        *,
        allowed_hosts: Sequence[str],
        seconds: float,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed_hosts = allowed_hosts
        self._seconds = seconds
        self._resolve = resolve
        self._tls = tls

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> Tried:
        """Posts the body and returns what became of it."""
        started_at, since = datetime.now(UTC), time.perf_counter()
        verdict, error, answer = Verdict.FAILED, "", None
        try:
            answer = self._post(url, headers, body)
        except AddressRefusedError as refused:
            verdict, error = Verdict.REFUSED, str(refused)
        except (OSError, http.client.HTTPException) as fault:
            error = _in_words(fault)
        except ValueError as fault:
            # It was good when it was taken; the operator's list of hosts may have changed.
            verdict, error = Verdict.REFUSED, f"The url {fault}."
        seconds = time.perf_counter() - since
        if answer is None:
            return Tried(verdict, started_at, seconds, error=error)
        verdict, error = _judge(answer.status)
        return Tried(
            verdict,
            started_at,
            seconds,
            status=answer.status,
            error=error,
            answer=answer.body.decode("utf-8", "replace").replace("\x00", ""),
            retry_after=retry_after_seconds(answer.retry_after, datetime.now(UTC)),
        )

    def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> PostedAnswer:
        target = target_of(url, self._allowed_hosts)
        addresses = addresses_to_call(
            target.host, target.port, trusted=target.trusted, resolve=self._resolve
        )
        if target.secure and self._tls is None:
            # Takes a while to load, and most processes never send.
            self._tls = ssl.create_default_context()
        return post(
            target.host,
            target.port,
            target.path,
            addresses=addresses,
            tls=self._tls if target.secure else None,
            headers={"Content-Type": "application/json", "User-Agent": USER_AGENT, **headers},
            body=body,
            seconds=self._seconds,
        )


def _judge(status: int) -> tuple[Verdict, str]:
    if 200 <= status < 300:  # noqa: PLR2004 - what HTTP calls success.
        return Verdict.DELIVERED, ""
    if status == http.client.GONE:
        return Verdict.GONE, "The receiver answered with status 410."
    if 300 <= status < 400:  # noqa: PLR2004 - what HTTP calls redirection.
        return Verdict.FAILED, f"The receiver redirects (status {status}), which is not followed."
    return Verdict.FAILED, f"The receiver answered with status {status}."


def _in_words(fault: OSError | http.client.HTTPException) -> str:
    """Says what went wrong without the addresses that the machine's own messages may name."""
    match fault:
        case TimeoutError():
            return "The receiver did not answer in time."
        case ssl.SSLCertVerificationError():
            return f"The receiver's certificate is not good: {fault.verify_message}."
        case ssl.SSLError():
            return f"TLS failed: {fault.reason or 'the connection ended'}."
        case ConnectionRefusedError():
            return "The receiver refused the connection."
        case ConnectionError():
            return "The connection broke."
        case http.client.HTTPException():
            return "What the receiver answered is no HTTP."
        case _:
            return "The receiver cannot be reached."
