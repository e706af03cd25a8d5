"""Writes the tables of docs/performance.md from the results, between their markers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.results import RESULTS, ROOT

PAGE = ROOT / "docs" / "performance.md"
MARKED = re.compile(r"(<!-- results of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
Whole = Mapping[str, Any]

# What each ratio has to reach, where something was promised: (promise, aim).
PROMISES = {
    "chain_over_bare": ("≥ 0.65", "≥ 0.85"),
    "chain_over_fastapi": ("≥ 3", "≥ 5"),
    "p99_over_fastapi": ("", "≤ 0.25"),
    "two_processes_over_one": ("", "≥ 1.9"),
    "bound_over_unbound_latency": ("≤ 1.5", "≤ 1.2"),
    "over_celery": ("≥ 1", ""),
    "over_rq": ("≥ 2", ""),
    "over_postgres_queue": ("≥ 1.5", ""),
    "with_1m_rows_over_empty": ("≥ 0.8", ""),
    "curl_cpu_over_bare_curl": ("≤ 1.3", ""),
    "idle_p50_ms": ("≤ 8", "≤ 5"),
    "idle_p99_ms": ("≤ 50", ""),
}
QUEUE_COLUMNS = {
    "jobs_one_by_one_per_second": "jobs/s",
    "enqueue_one_by_one_per_second": "submitted/s",
    "jobs_concurrently_per_second": "jobs/s, 8 threads",
    "enqueue_concurrently_per_second": "submitted/s, 8 threads",
    "jobs_many_per_second": "jobs/s, many at once",
    "enqueue_many_per_second": "submitted/s, many at once",
    "idle_p50_ms": "idle p50 ms",
    "idle_p99_ms": "idle p99 ms",
    "idle_after_commit_p50_ms": "idle p50 ms from the commit",
}
LIMITS = {
    "cdnow_import_seconds": "≤ 20",
    "workbook_seconds": "≤ 10",
    "workbook_worker_peak_mib": "< 300",
    "idle_node_percent_of_a_core": "< 2",
    "deadline_late_ms": "≤ 10",
}


def write_tables() -> None:
    """Replaces what stands between the markers by what the result files say."""
    text = PAGE.read_text("utf-8")
    PAGE.write_text(MARKED.sub(_filled, text), "utf-8")


def _filled(found: re.Match[str]) -> str:
    path = RESULTS / f"{found[2]}.json"
    if not path.exists():
        return f"{found[1]}Not measured yet.\n{found[3]}"
    whole = json.loads(path.read_text("utf-8"))
    return "\n".join([found[1], *_lines(whole), "", found[3]])


def _lines(whole: Whole) -> Iterator[str]:
    if whole["ratios"]:
        yield from _ratios(whole)
    if servers := whole["figures"].get("servers"):
        yield from ("", *_servers(servers))
    if queues := whole["figures"].get("queues"):
        yield from ("", *_queues(queues))
    if clients := whole["figures"].get("clients"):
        yield from ("", *_clients(clients))
    yield from _figures(whole)
    yield from ("", _origin(whole))


def _ratios(whole: Whole) -> Iterator[str]:
    yield "| ratio | median | least | greatest | promised | aim |"
    yield "|---|---|---|---|---|---|"
    for key, ratio in whole["ratios"].items():
        promise, aim = PROMISES.get(key, ("", ""))
        numbers = f"**{ratio['median']}** | {ratio['min']} | {ratio['max']}"
        yield f"| `{key}` | {numbers} | {promise} | {aim} |"


def _servers(servers: Mapping[str, Mapping[str, Whole]]) -> Iterator[str]:
    yield "| server | calls/s (least to greatest) | p50 ms | p99 ms | server's CPU µs per call |"
    yield "|---|---|---|---|---|"
    for name, row in servers.items():
        rate = row["calls_per_second"]
        yield (
            f"| {name} | {rate['median']:,.0f} ({rate['min']:,.0f} to {rate['max']:,.0f})"
            f" | {row['p50_ms']['median']} | {row['p99_ms']['median']}"
            f" | {row['server_cpu_us_per_call']['median']:.0f} |"
        )


def _queues(queues: Mapping[str, Mapping[str, Whole]]) -> Iterator[str]:
    yield f"| queue | {' | '.join(QUEUE_COLUMNS.values())} |"
    yield f"|---|{'---|' * len(QUEUE_COLUMNS)}"
    for name, row in queues.items():
        cells = (f"{_short(row[key]['median'])} ({_range(row[key])})" for key in QUEUE_COLUMNS)
        yield f"| {name} | {' | '.join(cells)} |"


def _clients(clients: Mapping[str, Mapping[str, Whole]]) -> Iterator[str]:
    yield "| call | client's CPU µs (least to greatest) | p50 µs | p99 µs |"
    yield "|---|---|---|---|"
    for name, row in clients.items():
        cpu, p50, p99 = (_short(row[key]["median"]) for key in ("cpu_us", "p50_us", "p99_us"))
        yield f"| {name} | {cpu} ({_range(row['cpu_us'])}) | {p50} | {p99} |"


def _range(value: Whole) -> str:
    return f"{_short(value['min'])} to {_short(value['max'])}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _figures(whole: Whole) -> Iterator[str]:
    tables = {"servers", "queues", "clients"}
    figures = {key: value for key, value in whole["figures"].items() if key not in tables}
    if not figures:
        return
    yield from ("", "| figure | value | promised |", "|---|---|---|")
    for key, value in figures.items():
        shown = (
            f"{value['median']:,} ({value['min']:,} to {value['max']:,})"
            if isinstance(value, dict)
            else value
        )
        yield f"| {key} | {shown} | {LIMITS.get(key, '')} |"


def _origin(whole: Whole) -> str:
    machine = whole["machine"]
    libraries = ", ".join(f"{name} {number}" for name, number in machine["libraries"].items())
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']},"
        f" Python {machine['python']}, {libraries}; commit `{whole['commit']}`."
    )
