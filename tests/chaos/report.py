"""Says what was survived, and how soon jobs ran again whose worker was killed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

BUILD = Path(__file__).parent.parent.parent / "build"


@dataclass(frozen=True)
class Report:
    """Is the outcome of one run."""

    seed: int
    jobs: int
    seconds: float
    lease_seconds: int
    faults_survived: Mapping[str, int]
    calls_refused: Mapping[str, int]
    attempts: int
    replayed: int
    rescue_seconds: Mapping[str, float]

    def keep(self) -> None:
        """Writes `build/chaos.json` and prints the report."""
        BUILD.mkdir(exist_ok=True)
        (BUILD / "chaos.json").write_text(f"{json.dumps(asdict(self), indent=2)}\n", "utf-8")
        print(
            f"\n{self.jobs} jobs, each with exactly one effect, after {self.seconds:.0f} s", end=""
        )
        print(f" (seed {self.seed}, lease {self.lease_seconds} s)")
        print(f"faults survived: {sum(self.faults_survived.values())}")
        for name, number in sorted(self.faults_survived.items()):
            print(f"  {number:4} {name}")
        print(f"attempts: {self.attempts}; replayed by hand after three crashes: {self.replayed}")
        print(f"calls refused and made again: {dict(self.calls_refused)}")
        print(f"seconds from a kill to the job running again: {dict(self.rescue_seconds)}")


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """Returns how many there are, with median, 99th percentile and greatest."""
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return {
        "jobs": len(ordered),
        "p50": round(ordered[last // 2], 2),
        "p99": round(ordered[-(-last * 99 // 100)], 2),
        "max": round(ordered[-1], 2),
    }
