"""Keeps what a benchmark found, as one JSON file each that says where and on what it ran."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).parent / "results"
# What a change of would make another measurement of it.
MEASURED = (
    *("benchmarks", "clients/php/src", "core", "generated/php", "generated/python"),
    *("requirements", "server", "workers"),
)
LIBRARIES = (
    *("grpcio", "protobuf", "psycopg", "sqlalchemy", "fastapi", "uvicorn", "structlog"),
    *("redis", "dramatiq", "celery", "rq", "procrastinate"),
)

Spread: TypeAlias = dict[str, float]


@dataclass(frozen=True)
class Found:
    """Is the outcome of one benchmark: ratios within rounds, and the numbers they came from."""

    ratios: dict[str, Spread] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)


def spread(values: Sequence[float]) -> Spread:
    """Returns median, least and greatest, to four significant digits."""
    return {
        "median": _rounded(statistics.median(values)),
        "min": _rounded(min(values)),
        "max": _rounded(max(values)),
    }


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def keep(name: str, found: Found) -> None:
    """Writes `results/<name>.json` and prints the ratios."""
    RESULTS.mkdir(exist_ok=True)
    whole = {
        "ratios": found.ratios,
        "figures": found.figures,
        "machine": machine(),
        "commit": commit(),
    }
    (RESULTS / f"{name}.json").write_text(f"{json.dumps(whole, indent=2)}\n", "utf-8")
    for key, ratio in found.ratios.items():
        print(f"{name}: {key} = {ratio['median']} ({ratio['min']} to {ratio['max']})")


def machine() -> dict[str, Any]:
    """Describes the machine without naming it."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def commit() -> str:
    """Returns the commit, with `+` where what is measured differs from it; or `unknown`."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--", *MEASURED, ":!benchmarks/results")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}+" if changed else head


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()
