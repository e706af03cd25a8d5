"""Writes together what several threads want written at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class TogetherError(Exception):
    """Says that the write which an item was part of broke; its cause is what another was told."""


class Together(Generic[Item, Answer]):
    """Lets one thread write for all that came while the one before it wrote.

    A thread that is alone writes at once. `write` returns an answer for each item, in their order.
    What it raises is raised in the thread that wrote, and TogetherError in those it wrote for.
    """

    def __init__(self, write: Callable[[Sequence[Item]], Sequence[Answer]], *, most: int) -> None:
        self._write = write
        self._most = most
        self._lock = threading.Lock()
        self._waiting: list[_Turn[Item, Answer]] = []
        self._busy = False

    def __call__(self, item: Item) -> Answer:
        """Returns the answer for the item once it is written."""
        turn: _Turn[Item, Answer] = _Turn(item)
        with self._lock:
            self._waiting.append(turn)
            alone, self._busy = not self._busy, True
        if not alone:
            turn.called.wait()
        if turn.answer is None and turn.fault is None:
            self._lead()
        if turn.answer is None:
            raise TogetherError from turn.fault
        return turn.answer[0]

    def _lead(self) -> None:
        """Writes for whoever waits, this thread first among them, and calls the next to do so."""
        with self._lock:
            turns, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            answers = self._write([turn.item for turn in turns])
            for turn, answer in zip(turns, answers, strict=True):
                turn.answer = (answer,)
        except BaseException as fault:
            for turn in turns:
                turn.fault = fault
            raise
        finally:
            with self._lock:
                next_turn = self._waiting[0] if self._waiting else None
                self._busy = next_turn is not None
            for turn in turns[1:]:
                turn.called.set()
            if next_turn is not None:
                next_turn.called.set()


class _Turn(Generic[Item, Answer]):
    """Is one thread's wish, and its answer, in a tuple as it may be None."""

    __slots__ = ("answer", "called", "fault", "item")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.called = threading.Event()
        self.answer: tuple[Answer] | None = None
        self.fault: BaseException | None = None
