"""Submits jobs as a good client does: with a key, until it has an answer."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import grpc
from google.protobuf.struct_pb2 import Struct

from howdah.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from howdah_client import HowdahError, SignedChannel
from tests.chaos.node import KIND

PATIENCE_SECONDS = 180.0
CALL_SECONDS = 5.0
# What passes: the node, or what it stands on, is away, slow, or has enough to do.
PASSING = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        # The same call is still under way: its first attempt was given up only here.
        grpc.StatusCode.ABORTED,
    }
)


@dataclass
class Submitted:
    """Holds what was accepted, by number, and what it took."""

    job_ids: dict[int, str] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def accepted(self, number: int, job_id: str) -> None:
        with self.lock:
            self.job_ids[number] = job_id

    def refused(self, error: HowdahError) -> None:
        with self.lock:
            name = f"{error.code().name}/{error.reason}"
            self.refusals[name] = self.refusals.get(name, 0) + 1


def submit_all(
    channel: SignedChannel, jobs: int, *, seed: int, seconds: float, threads: int = 8
) -> Submitted:
    """Submits the jobs over about so many seconds; raises where one is not accepted."""
    submitted, begun = Submitted(), time.monotonic()
    stub = jobs_pb2_grpc.JobsServiceStub(channel)

    def submit(numbers: Sequence[int]) -> None:
        for number in numbers:
            time.sleep(max(0.0, begun + seconds * number / jobs - time.monotonic()))
            submitted.accepted(number, _submit(stub, number, seed, submitted))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(submit, [range(first, jobs, threads) for first in range(threads)]))
    return submitted


def _submit(
    stub: jobs_pb2_grpc.JobsServiceStub, number: int, seed: int, submitted: Submitted
) -> str:
    payload = Struct()
    payload.update({"number": number, "seconds": _work_seconds(seed, number)})
    request = jobs_pb2.SubmitJobRequest(
        spec=jobs_pb2.JobSpec(kind=KIND.name, payload=payload),
        idempotency_key=f"chaos-{seed}-number-{number:06}",
    )
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return str(stub.SubmitJob(request, timeout=CALL_SECONDS).job.job_id)
        except HowdahError as error:
            submitted.refused(error)
            if error.code() not in PASSING or time.monotonic() > give_up:
                raise
            time.sleep(max(error.retry_after_seconds, random.uniform(0.05, 0.5)))


def _work_seconds(seed: int, number: int) -> float:
    """Returns little for most jobs, and enough for a few to be met by a kill in the middle."""
    chance = random.Random(f"{seed}/{number}")
    return chance.uniform(0.5, 1.5) if chance.random() < 0.05 else chance.uniform(0.0, 0.05)
