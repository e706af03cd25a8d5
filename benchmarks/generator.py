"""Builds the load generator and has it drive one server for one round."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass

from benchmarks.results import ROOT

SOURCE = ROOT / "benchmarks" / "load"
PROGRAM = ROOT / ".tools" / "bin" / "howdah-load"


@dataclass(frozen=True)
class Credential:
    """Is what calls are signed with; the secret is in hex."""

    key_id: str
    secret: str


@dataclass(frozen=True)
class Target:
    """Is a server that takes calls, and the call it is sent."""

    protocol: str
    address: str
    path: str
    body: bytes
    credential: Credential | None


@dataclass(frozen=True)
class Load:
    """Is what the generator saw in one round; no call failed."""

    calls: int
    seconds: float
    cpu_seconds: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float

    @property
    def calls_per_second(self) -> float:
        """Returns the rate at which calls were answered."""
        return self.calls / self.seconds

    @property
    def cores_used(self) -> float:
        """Returns the share of one core that the generator itself needed."""
        return self.cpu_seconds / self.seconds


def build() -> None:
    """Compiles the generator, which Go does only where something has changed."""
    go = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if go is None:
        raise SystemExit("The load generator is a Go program: install Go from https://go.dev/dl.")
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([go, "build", "-o", str(PROGRAM), "."], cwd=SOURCE, check=True)


def drive(
    target: Target, *, cores: set[int], connections: int, warmup: float, seconds: float
) -> Load:
    """Drives the server and returns what was seen; raises RuntimeError where a call failed."""
    command = [
        str(PROGRAM),
        *("-protocol", target.protocol, "-address", target.address, "-path", target.path),
        *("-body", target.body.hex(), "-connections", str(connections)),
        *("-warmup", f"{warmup}s", "-duration", f"{seconds}s"),
    ]
    environment = dict(os.environ)
    if target.credential is None:
        command.append("-unsigned")
    else:
        environment["LOAD_KEY_ID"] = target.credential.key_id
        environment["LOAD_SECRET"] = target.credential.secret
    done = subprocess.run(
        command,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    if done.returncode != 0:
        raise RuntimeError(f"{target.path} at {target.address}: {done.stderr.strip()}")
    seen = json.loads(done.stdout)
    if seen.pop("errors"):
        raise RuntimeError(f"{target.path} at {target.address}: {seen['first_error']}")
    return Load(**seen)
