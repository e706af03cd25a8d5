"""Ends a worker in order: nothing new, the unstarted back, the running asked to end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from dramatiq import Broker, MessageProxy, Middleware, Worker

from core.jobs.claim import ClaimJob
from core.jobs.hand_back import HandBackJobs
from core.jobs.heartbeat import Heartbeat
from core.jobs.ledger import Ticket

# For Dramatiq to stop its threads once no job runs; a lost Redis it would wait for for ever.
STOP_SECONDS = 2.0


class Drain(Middleware):
    """Acts when Dramatiq begins to stop the worker, and makes sure that it does stop.

    `leave` ends the process; it is called where an attempt or Dramatiq itself does not end in time.
    """

    def __init__(
        self,
        heartbeat: Heartbeat,
        hand_back: HandBackJobs,
        claim: ClaimJob,
        grace_seconds: float,
        *,
        leave: Callable[[], None],
    ) -> None:
        self._heartbeat = heartbeat
        self._hand_back = hand_back
        self._claim = claim
        self._grace_seconds = grace_seconds
        self._leave = leave
        self._stopped = threading.Event()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        """Stops fetching, gives back what waits in memory, and asks what runs to end."""
        self._heartbeat.drain()
        for thread in worker.consumers.values():
            # Dramatiq stops its consumers last, so that they can acknowledge; till then they fetch.
            thread.prefetch = 0
            if thread.consumer is not None:
                thread.consumer.prefetch = 0  # type: ignore[attr-defined]
        with worker.work_queue.mutex:
            waiting = [_ticket(item.message) for item in worker.work_queue.queue]
        given_back = self._hand_back.unstarted(waiting)
        given_back += self._hand_back.running(self._claim.give_up())
        structlog.get_logger().info(
            "worker_draining", given_back=given_back, running=len(self._heartbeat.tickets())
        )
        threading.Thread(target=self._see_to_the_end, name="drain", daemon=True).start()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        """Releases what still runs where Dramatiq lost its patience before we did."""
        self._stopped.set()
        self._release()

    def _see_to_the_end(self) -> None:
        until = time.monotonic() + self._grace_seconds
        self._heartbeat.wait_until_idle(self._grace_seconds)
        # The thread of an attempt that was given up is not waited for.
        left = 0.0 if self._heartbeat.has_abandoned else until - time.monotonic()
        if self._heartbeat.tickets() or not self._stopped.wait(max(STOP_SECONDS, left)):
            self._release()
            self._leave()

    def _release(self) -> None:
        tickets = self._heartbeat.releasable()
        if tickets:
            released = self._hand_back.running(tickets)
            structlog.get_logger().warning("jobs_released", jobs=released)


def _ticket(message: MessageProxy) -> Ticket:
    return Ticket(**message.kwargs, queue=message.queue_name)
