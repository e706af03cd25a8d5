"""Defines how a servicer states a method: what decodes, which use case answers, what encodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message

from core.context import Context
from core.result import Result

C = TypeVar("C")  # the command or query the use case takes
V = TypeVar("V")  # the value it answers with


@dataclass(frozen=True, slots=True)
class Unary(Generic[C, V]):
    """Answers one request with one response."""

    decode: Callable[[Any], C]
    call: Callable[[Context, C], Result[V]]
    encode: Callable[[V], Message]


@dataclass(frozen=True, slots=True)
class Stream(Generic[C, V]):
    """Answers one request with a stream of responses; a refusal comes before the first."""

    decode: Callable[[Any], C]
    call: Callable[[Context, C], Result[Iterator[V]]]
    encode: Callable[[V], Message]


Method: TypeAlias = Unary[Any, Any] | Stream[Any, Any]


@dataclass(frozen=True, slots=True)
class Service:
    """Is one service of the contract with an entry for each of its methods."""

    descriptor: ServiceDescriptor
    methods: Mapping[str, Method]

    def __post_init__(self) -> None:
        """Refuses a table that does not name each method of the contract, and no other."""
        contract = {method.name: method for method in self.descriptor.methods}
        if contract.keys() != self.methods.keys():
            wrong = sorted(contract.keys() ^ self.methods.keys())
            message = f"{self.descriptor.full_name}: missing or unknown methods: {wrong}"
            raise ValueError(message)
        for name, method in self.methods.items():
            if contract[name].server_streaming != isinstance(method, Stream):
                message = f"{self.descriptor.full_name}/{name}: stream and unary are mixed up"
                raise ValueError(message)
