"""Measures what a node costs that has nothing to do."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.node import WholeNode, whole_node
from benchmarks.processes import TICKS_PER_SECOND
from benchmarks.results import spread
from core.platform.embedded import POSTGRES_PID_FILE, REDIS_PID_FILE

SETTLE_SECONDS = 10.0
LOOK_SECONDS = 10.0


def idle_percentages(rounds: int) -> dict[str, Any]:
    """Returns the shares of one core that `howdah up` and its two servers use, in per cent."""
    with (
        tempfile.TemporaryDirectory(prefix="howdah-bench-") as directory,
        whole_node(Path(directory)) as node,
    ):
        data = Path(directory) / "node"
        time.sleep(SETTLE_SECONDS)
        seen = [_look(node, data) for _ in range(rounds)]
    return {
        "idle_node_percent_of_a_core": spread([node for node, _ in seen]),
        "idle_postgres_and_redis_percent_of_a_core": spread([servers for _, servers in seen]),
    }


def _look(node: WholeNode, data: Path) -> tuple[float, float]:
    begun, of_node, of_servers = time.monotonic(), node.server.cpu_seconds(), _servers_cpu(data)
    time.sleep(LOOK_SECONDS)
    seconds = time.monotonic() - begun
    return (
        (node.server.cpu_seconds() - of_node) / seconds * 100,
        (_servers_cpu(data) - of_servers) / seconds * 100,
    )


def _servers_cpu(data: Path) -> float:
    """Returns what Postgres with its backends, and Redis, have used of the processors."""
    main = {
        int((data / name).read_text("ascii").split("\n")[0])
        for name in (POSTGRES_PID_FILE, REDIS_PID_FILE)
    }
    used = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text("utf-8").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(entry.name) in main:
            # With the backends that have ended.
            used += sum(int(ticks) for ticks in fields[11:15])
        elif int(fields[1]) in main:
            used += int(fields[11]) + int(fields[12])
    return used / TICKS_PER_SECOND
