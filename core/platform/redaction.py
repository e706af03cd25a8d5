"""Keeps secrets out of log lines: by the name of a value, and by what secrets look like."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

HIDDEN = "[hidden]"

SECRET_NAME = re.compile(
    r"secret|passw|passphrase|authorization|cookie|signature|private_key|api_?key|dsn"
    # A page token opens nothing, and helps when a listing goes wrong.
    r"|(?<!page_)token$",
    re.IGNORECASE,
)
# The password of a URL, a bearer token, any JWT, a signature of ours, a webhook secret.
SECRET_VALUE = re.compile(
    rb"(?P<url>://[^/\s:@\"]*:)[^@\s/\"]+(?=@)"
    rb"|(?P<bearer>\b[Bb]earer\s+)[A-Za-z0-9._~+/=-]+"
    rb"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
    rb"|(?P<signature>\bv1=)[0-9a-f]{64}"
    rb"|\bwhsec_[A-Za-z0-9+/=]+"
)
# Looked for first: a plain search is many times cheaper than the pattern.
SIGNS = (b"@", b"earer", b"eyJ", b"v1=", b"whsec_")


class Redactor:
    """Is a structlog processor that hides values by their name, however deep they are."""

    def __init__(self) -> None:
        self._secret: dict[str, bool] = {}

    def __call__(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Returns the event with secret-looking names hidden."""
        for name, value in event.items():
            if self._is_secret(name):
                event[name] = HIDDEN
            elif type(value) in (dict, list, tuple) and name != "exc_info":
                event[name] = self._clean(value)
        return event

    def _clean(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {
                name: HIDDEN if self._is_secret(str(name)) else self._clean(inner)
                for name, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._clean(inner) for inner in value]
        return value

    def _is_secret(self, name: str) -> bool:
        known = self._secret.get(name)
        if known is None:
            known = SECRET_NAME.search(name) is not None
            # Names come from the code, but a careless caller could log names from outside.
            if len(self._secret) < 1_000:  # noqa: PLR2004
                self._secret[name] = known
        return known


def hide_secret_values(line: bytes) -> bytes:
    """Returns the rendered line with everything hidden that looks like a secret."""
    for sign in SIGNS:
        if sign in line:
            return SECRET_VALUE.sub(_hide, line)
    return line


def _hide(match: re.Match[bytes]) -> bytes:
    kept = next((part for part in match.groups() if part is not None), b"")
    return kept + HIDDEN.encode()
