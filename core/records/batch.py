"""Sorts the items of a batch into those that can be stored and those that cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from core.failures import Failure, FieldViolation, fields_invalid


@dataclass(frozen=True, slots=True)
class BatchStored:
    """Says how many records were stored, and why the items at which places were not."""

    stored: int
    failures: tuple[tuple[int, Failure], ...]
    correlation_id: str


class Item(Protocol):
    """Is a record that can tell why it cannot be stored."""

    def faults(self) -> Iterator[FieldViolation]:
        """Yields why it cannot be stored."""


T = TypeVar("T", bound=Item)


def sort_out(
    items: Sequence[T], key: Callable[[T], str]
) -> tuple[list[T], tuple[tuple[int, Failure], ...]]:
    """Returns the items to store, the last of each key, by key; and the failures by place.

    Rows are locked in the order they are stored in, so two batches never wait for each other.
    """
    kept: dict[str, T] = {}
    failures: list[tuple[int, Failure]] = []
    for place, item in enumerate(items):
        faults = list(item.faults())
        if faults:
            failures.append((place, fields_invalid(faults)))
        else:
            kept[key(item)] = item
    return [kept[name] for name in sorted(kept)], tuple(failures)
