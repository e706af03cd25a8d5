"""Ends a worker in order: nothing new, the unstarted back, the running asked to end."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from dramatiq import Broker, MessageProxy, Middleware, Worker

from core.jobs.hand_back import HandBackJobs
from core.jobs.heartbeat import Heartbeat
from core.jobs.ledger import Ticket

# For Dramatiq to stop its threads once no job runs. It waits for a lost Redis much longer.
STOP_SECONDS = 10.0


class Drain(Middleware):
    """Acts when Dramatiq begins to stop the worker, and makes sure that it does stop.

    `leave` ends the process; it is called where an attempt or Dramatiq itself does not end in time.
    """

    def __init__(
        self,
        heartbeat: Heartbeat,
        hand_back: HandBackJobs,
        *,
        grace_seconds: float,
        leave: Callable[[], None],
    ) -> None:
        self._heartbeat = heartbeat
        self._hand_back = hand_back
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
        structlog.get_logger().info(
            "worker_draining", given_back=given_back, running=len(self._heartbeat.tickets())
        )
        threading.Thread(target=self._see_to_the_end, name="drain", daemon=True).start()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        """Notes that Dramatiq has stopped by itself."""
        self._stopped.set()

    def _see_to_the_end(self) -> None:
        if self._heartbeat.wait_until_idle(self._grace_seconds) and self._stopped.wait(
            STOP_SECONDS
        ):
            return
        released = self._hand_back.running(self._heartbeat.tickets())
        structlog.get_logger().warning("worker_left", released=released)
        self._leave()


def _ticket(message: MessageProxy) -> Ticket:
    return Ticket(**message.kwargs, queue=message.queue_name)
