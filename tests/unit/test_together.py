from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.platform.together import Together, TogetherError
from tests.jobs_lab import await_value


class Writer:
    """Notes what was written together; the first write lasts until `go`."""

    def __init__(self) -> None:
        self.written: list[list[int]] = []
        self.go = threading.Event()

    def __call__(self, items: Sequence[int]) -> Sequence[int | None]:
        self.written.append(list(items))
        if len(self.written) == 1:
            assert self.go.wait(10)
        if 13 in items:
            raise ValueError("13 cannot be written")
        return [None if item == 0 else item * 10 for item in items]


def test_who_comes_while_another_writes_is_written_together_by_the_next() -> None:
    writer = Writer()
    together = Together(writer, most=3)
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(together, 1)
        await_value(lambda: writer.written or None)
        others = [pool.submit(together, number) for number in (2, 3, 4, 5, 0)]
        await_value(lambda: len(together._waiting) == 5 or None)
        writer.go.set()
        assert first.result(10) == 10
        assert [other.result(10) for other in others] == [20, 30, 40, 50, None]
    assert [len(items) for items in writer.written] == [1, 3, 2]


def test_a_write_that_breaks_is_told_to_all_that_it_was_for_and_to_nobody_else() -> None:
    writer = Writer()
    together = Together(writer, most=2)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(together, 1)
        await_value(lambda: writer.written or None)
        unlucky = []
        for number in (13, 2):
            unlucky.append(pool.submit(together, number))
            await_value(lambda: len(together._waiting) == len(unlucky) or None)
        last = pool.submit(together, 3)
        await_value(lambda: len(together._waiting) == 3 or None)
        writer.go.set()
        assert first.result(10) == 10
        with pytest.raises(ValueError, match="13"):
            unlucky[0].result(10)
        with pytest.raises(TogetherError) as told:
            unlucky[1].result(10)
        assert isinstance(told.value.__cause__, ValueError)
        assert last.result(10) == 30
    assert together(4) == 40
