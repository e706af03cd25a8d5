"""Gives use cases their two ends: `Ok` with a value, or `Err` with a failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from core.failures import Failure

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Ok(Generic[T_co]):
    """Says that the use case did what it was asked, and carries the answer."""

    value: T_co


@dataclass(frozen=True, slots=True)
class Err:
    """Says that the use case refused, and carries the reason."""

    failure: Failure


Result: TypeAlias = Ok[T_co] | Err
