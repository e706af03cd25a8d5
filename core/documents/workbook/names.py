"""Makes names that Excel takes for tabs."""

from __future__ import annotations

import re

LONGEST_NAME = 31  # in UTF-16 units
FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f-\x9f\ufffe\uffff]+")
RESERVED = "history"  # Excel keeps this name for itself


class TabNames:
    """Gives out names that are valid and, whatever their case, given out once."""

    def __init__(self) -> None:
        self._taken = {RESERVED}

    def take(self, wanted: str) -> str:
        """Returns `wanted` as near as Excel allows, with a number where it is taken."""
        plain = " ".join(FORBIDDEN.sub(" ", wanted).split()).strip("'") or "Tab"
        number = 1
        while True:
            suffix = f" ({number})" if number > 1 else ""
            name = cut(plain, LONGEST_NAME - len(suffix)).rstrip(" '") + suffix
            if name.casefold() not in self._taken:
                self._taken.add(name.casefold())
                return name
            number += 1


def cut(text: str, units: int) -> str:
    """Returns the longest beginning of `text` that has at most so many UTF-16 units."""
    encoded = text.encode("utf-16-le")[: units * 2]
    return encoded.decode("utf-16-le", errors="ignore")
