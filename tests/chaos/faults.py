"""Breaks a running node at random: its processes, its servers, and the network between them."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psutil

from tests.chaos.journal import Journal
from tests.chaos.running import ChaosNode
from tests.chaos.servers import Network, TcpPostgres, TcpRedis
from tests.servers import eventually

POSTGRES, REDIS = "postgres", "redis"
PATIENCE_SECONDS = 60.0
# A process that is killed whenever it starts does no work that could be disturbed.
GROWN_UP_SECONDS = 4.0
AT_WORK_SECONDS = 1.5

Act = Callable[[random.Random], None]
Pauses = tuple[float, float]


class Faults:
    """Counts what it did, and remembers when it killed which process."""

    def __init__(
        self,
        node: ChaosNode,
        journal: Journal,
        postgres: TcpPostgres,
        redis: TcpRedis,
        network: Network,
    ) -> None:
        self.survived: Counter[str] = Counter()
        self.kills: list[tuple[int, float]] = []
        self._node = node
        self._journal = journal
        self._postgres = postgres
        self._redis = redis
        self._network = network

    def all_sorts(self) -> bool:
        """Tells whether every sort of fault has happened."""
        families = (*self._of_processes(), *self._of_surroundings())
        return all(self.survived[name] for name, _act in families)

    @contextmanager
    def going_on(self, seed: int, processes: Pauses, others: Pauses) -> Iterator[None]:
        """Has faults of two families happen, in an order of the seed's, until the block ends.

        One of processes and one of their surroundings may coincide. What is broken is mended.
        Between two of a family is a pause, no shorter and no longer than its pair of seconds.
        """
        ended, broken = threading.Event(), list[BaseException]()

        def go_on(family: Sequence[tuple[str, Act]], pauses: Pauses, chance: random.Random) -> None:
            try:
                while not ended.is_set():
                    # Every sort comes before any comes again.
                    for name, act in chance.sample(family, len(family)):
                        if ended.wait(chance.uniform(*pauses)):
                            return
                        act(chance)
                        self.survived[name] += 1
            except BaseException as fault:  # noqa: BLE001 - raised again where the block ends.
                broken.append(fault)

        threads = [
            threading.Thread(target=go_on, args=(family, pauses, random.Random(f"{seed}/{pauses}")))
            for family, pauses in (
                (self._of_processes(), processes),
                (self._of_surroundings(), others),
            )
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        if broken:
            raise broken[0]

    def _of_processes(self) -> list[tuple[str, Act]]:
        node = self._node
        return [
            *[("worker killed", self._kill(self._busy_workers))] * 4,
            ("worker's parent killed", self._kill(lambda: _parents(self._busy_workers()))),
            ("dispatcher killed", self._kill(lambda: _grown_up(node.dispatchers()))),
            ("server killed", self._kill(lambda: _grown_up(node.servers()))),
        ]

    def _busy_workers(self) -> list[psutil.Process]:
        """Returns those that have run jobs for a while and are in the middle of one."""
        attempts, before = self._journal.attempts(), time.monotonic() - AT_WORK_SECONDS
        busy = {attempt.pid for attempt in attempts if attempt.ended is None}
        busy &= {attempt.pid for attempt in attempts if attempt.began < before}
        return [process for process in self._node.workers() if process.pid in busy]

    def _of_surroundings(self) -> list[tuple[str, Act]]:
        return [
            ("Redis killed", self._redis_killed),
            ("Redis killed and wiped", self._redis_wiped),
            ("Postgres crashed", self._postgres_crashed),
            *(
                (f"{name} {link}", act)
                for link in (POSTGRES, REDIS)
                for name, act in (
                    ("cut off from", self._cut(link)),
                    ("silence from", self._silence(link)),
                    ("slow line to", self._slow(link)),
                )
            ),
        ]

    def _kill(self, find: Callable[[], list[psutil.Process]]) -> Act:
        def kill(chance: random.Random) -> None:
            # There may be none for a moment: the last fault was theirs, too.
            process = chance.choice(eventually(find, PATIENCE_SECONDS))
            self.kills.append((process.pid, time.monotonic()))
            process.kill()

        return kill

    def _redis_killed(self, chance: random.Random) -> None:
        self._redis.kill()
        time.sleep(chance.uniform(0.0, 2.0))
        self._redis.start()

    def _redis_wiped(self, chance: random.Random) -> None:
        self._redis.kill()
        self._redis.wipe()
        time.sleep(chance.uniform(0.0, 2.0))
        self._redis.start()

    def _postgres_crashed(self, chance: random.Random) -> None:
        self._postgres.crash()
        time.sleep(chance.uniform(0.0, 1.0))
        self._postgres.start()

    def _cut(self, link: str) -> Act:
        def cut(chance: random.Random) -> None:
            self._network.cut(link)
            time.sleep(chance.uniform(0.2, 3.0))
            self._network.mend(link)

        return cut

    def _silence(self, link: str) -> Act:
        def silence(chance: random.Random) -> None:
            self._network.swallow(link)
            time.sleep(chance.uniform(0.5, 4.0))
            # What was swallowed is missing from its connection: no network would go on with it.
            self._network.cut(link)
            self._network.clear(link)
            self._network.mend(link)

        return silence

    def _slow(self, link: str) -> Act:
        def slow(chance: random.Random) -> None:
            self._network.delay(link, chance.choice((20, 100, 500)))
            time.sleep(chance.uniform(0.5, 3.0))
            self._network.clear(link)

        return slow


def _grown_up(processes: list[psutil.Process]) -> list[psutil.Process]:
    before = time.time() - GROWN_UP_SECONDS
    return [process for process in processes if process.create_time() < before]


def _parents(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [parent for process in processes if (parent := process.parent()) is not None]
