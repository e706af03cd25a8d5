from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from core.config import LIFE_LINE
from core.platform.life_line import LifeLine, name_of
from core.platform.pulse import SLACK_SECONDS, Pulse
from server.life_signs import LONGEST_LOOK_SECONDS, LifeSigns


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_a_loop_that_does_not_come_round_is_stuck(clock: Clock) -> None:
    pulse = Pulse()
    assert pulse.stuck() == []
    pulse.turn("slow", within_seconds=10)
    pulse.turn("fast", within_seconds=1)
    clock.now += 1 + SLACK_SECONDS
    assert pulse.stuck() == []
    clock.now += 1
    assert pulse.stuck() == ["fast"]
    clock.now += 10
    assert pulse.stuck() == ["fast", "slow"]
    pulse.turn("fast", within_seconds=1)
    pulse.rest("slow")
    assert pulse.stuck() == []


def test_a_process_is_silent_from_its_last_word_on(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    signs = LifeSigns()
    with signs.line() as line:
        monkeypatch.setenv(LIFE_LINE, name_of(line))
        process = LifeLine.from_environment()
        for _ in range(5):
            clock.now += 1
            # It has not said anything yet, and need not.
            assert signs.listen() == 0
        process.alive()
        assert signs.listen() == 0
        clock.now += 1
        assert signs.listen() == 1
        # The supervisor itself was held up, and the process may have been as well.
        clock.now += 3_600
        assert signs.listen() == 1 + LONGEST_LOOK_SECONDS
        process.alive()
        assert signs.listen() == 0


def test_a_process_says_that_it_leaves_and_the_next_one_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signs, left = LifeSigns(), []
    for _ in range(2):
        with signs.line() as line:
            left.append(signs.left)
            monkeypatch.setenv(LIFE_LINE, name_of(line))
            LifeLine.from_environment().leaving()
            signs.listen()
            left.append(signs.left)
    assert left == [False, True, False, True]


def test_a_process_without_a_supervisor_says_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(LIFE_LINE, raising=False)
    LifeLine.from_environment().alive()
    # The number was inherited, but belongs to another file by now.
    with (tmp_path / "file").open("w+b") as file:
        monkeypatch.setenv(LIFE_LINE, f"{file.fileno()}:1")
        LifeLine.from_environment().alive()
        assert file.seek(0, os.SEEK_END) == 0
