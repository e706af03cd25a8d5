from __future__ import annotations

import time

from core.jobs.job import Progress
from core.jobs.lease import Lease, StopReason
from core.jobs.ledger import Ticket


def a_lease(*, lease_seconds: float = 45.0, age: float = 0.0) -> tuple[Lease, list[str]]:
    woken: list[str] = []
    lease = Lease(
        Ticket("acme", "0", 1),
        since=time.monotonic() - age,
        lease_seconds=lease_seconds,
        wake=lambda: woken.append("woken"),
    )
    return lease, woken


def test_the_first_progress_of_a_phase_is_due_at_once() -> None:
    lease, woken = a_lease()
    lease.tell(Progress("rows", 1, 10))
    due_at = lease.progress_due_at()
    assert due_at is not None
    assert due_at <= time.monotonic()
    assert woken == ["woken"]


def test_more_of_the_same_phase_is_due_a_second_after_the_last_write() -> None:
    lease, _ = a_lease()
    lease.tell(Progress("rows", 1, 10))
    assert lease.take_progress() == Progress("rows", 1, 10)
    assert lease.progress_due_at() is None
    lease.tell(Progress("rows", 2, 10))
    lease.tell(Progress("rows", 3, 10))
    due_at = lease.progress_due_at()
    assert due_at is not None
    assert 0.5 < due_at - time.monotonic() <= 1.0
    assert lease.take_progress() == Progress("rows", 3, 10)


def test_a_new_phase_does_not_wait_for_the_second() -> None:
    lease, _ = a_lease()
    lease.tell(Progress("rows", 9, 10))
    lease.take_progress()
    lease.tell(Progress("charts", 0, 5))
    due_at = lease.progress_due_at()
    assert due_at is not None
    assert due_at <= time.monotonic()


def test_many_tellings_wake_the_heartbeat_once() -> None:
    lease, woken = a_lease()
    for done in range(1_000):
        lease.tell(Progress("rows", done, 1_000))
    assert woken == ["woken"]


def test_progress_does_not_fall_within_a_phase() -> None:
    lease, _ = a_lease()
    lease.tell(Progress("rows", 5, 10))
    lease.tell(Progress("rows", 4, 10))
    assert lease.take_progress() == Progress("rows", 5, 10)


def test_progress_that_could_not_be_written_is_kept_unless_there_is_newer() -> None:
    lease, _ = a_lease()
    lease.tell(Progress("rows", 1))
    taken = lease.take_progress()
    assert taken is not None
    lease.give_progress_back(taken)
    assert lease.take_progress() == Progress("rows", 1)
    lease.tell(Progress("rows", 2))
    lease.give_progress_back(taken)
    assert lease.take_progress() == Progress("rows", 2)


def test_what_postgres_would_refuse_is_taken_out_of_progress() -> None:
    lease, _ = a_lease()
    lease.tell(Progress("p" * 200, -1, 2**70, "a\x00b\ud800c" + "x" * 1_000))
    told = lease.take_progress()
    assert told is not None
    assert (len(told.phase), told.done, told.total) == (100, 0, 2**63 - 1)
    assert told.message.startswith("ab?c")
    assert len(told.message) <= 500


def test_a_lease_is_lost_before_postgres_gives_it_to_another() -> None:
    lease, _ = a_lease(lease_seconds=45, age=29)
    assert lease.stop_reason is None
    lease, _ = a_lease(lease_seconds=45, age=31)
    assert lease.stop_reason is StopReason.LEASE_LOST
    lease.renewed(time.monotonic())
    assert lease.stop_reason is None


def test_the_first_reason_to_stop_stands_but_a_lost_lease_outweighs_it() -> None:
    lease, _ = a_lease()
    seen = []
    for reason in (StopReason.CANCELLED, StopReason.DRAINING, StopReason.LEASE_LOST):
        lease.stop(reason)
        seen.append(lease.stop_reason)
    assert seen == [StopReason.CANCELLED, StopReason.CANCELLED, StopReason.LEASE_LOST]


def test_a_thread_is_overdue_when_its_time_and_the_grace_are_over() -> None:
    def lease(limit_seconds: float | None) -> Lease:
        since = time.monotonic() - 10
        return Lease(
            Ticket("acme", "0", 1),
            since=since,
            lease_seconds=45,
            wake=lambda: None,
            limit_seconds=limit_seconds,
        )

    assert lease(8).is_overdue(1)
    assert not lease(8).is_overdue(3)
    assert not lease(None).is_overdue(0)
