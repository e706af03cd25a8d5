"""Gives lists their pages: a size with a limit, and a token that names the last item seen."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from core.failures import Failure, RefusedError
from core.reasons import Reason

T = TypeVar("T")

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 500
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Asks for `size` items (0 means 50, at most 500) after the one the token names."""

    size: int = 0
    token: str = ""

    @property
    def limit(self) -> int:
        """Returns the number of items a page may have."""
        return min(self.size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)

    def after(self, scope: str, keys: int = 1) -> list[str] | None:
        """Returns the key values of the last item seen, or None on the first page.

        `scope` names the list and its filters: a token of another list is refused.
        """
        if not self.token:
            return None
        try:
            read = json.loads(base64.urlsafe_b64decode(self.token.encode("ascii")))
            known, values = read[0], [value for value in read[1:] if isinstance(value, str)]
        except (ValueError, binascii.Error, TypeError, LookupError):
            raise RefusedError(TOKEN_INVALID) from None
        if known != scope or len(read) != keys + 1 or len(values) != keys:
            raise RefusedError(TOKEN_INVALID)
        # Postgres takes neither the character 0 nor half of a surrogate pair.
        if any(UNSTORABLE.search(value) for value in values):
            raise RefusedError(TOKEN_INVALID)
        return values


TOKEN_INVALID = Failure(
    Reason.PAGE_TOKEN_INVALID, "The page token was not made by this method for this request."
)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Is one page of items; `next_token` is empty on the last."""

    items: Sequence[T]
    next_token: str = ""


def page_of(items: Sequence[T], request: PageRequest, scope: str, key: Any) -> Page[T]:
    """Returns the page out of up to `limit + 1` items; `key(item)` gives its key values as text."""
    if len(items) <= request.limit:
        return Page(items)
    kept = items[: request.limit]
    values = key(kept[-1])
    values = [values] if isinstance(values, str) else list(values)
    raw = json.dumps([scope, *values], separators=(",", ":")).encode("utf-8")
    return Page(kept, base64.urlsafe_b64encode(raw).decode("ascii"))
