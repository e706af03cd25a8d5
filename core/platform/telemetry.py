"""Counts and times calls for Prometheus, over all processes, and traces them on request."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from core.config import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from prometheus_client.registry import Collector

# prometheus_client reads it when it is imported, so it is set before a process starts.
DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# Seconds. A call of this node takes one to a few milliseconds; an import's upload takes longer.
CALL_BUCKETS = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)


def metrics_directory(settings: Settings) -> Path:
    """Returns where the processes of the node leave their metrics for the admin page."""
    return settings.data_dir / "metrics"


def clear_metrics(directory: Path) -> None:
    """Forgets what dead processes of an earlier run counted. A supervisor calls it at start.

    Another supervisor's processes may count into the same directory; theirs stays.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for file in directory.glob("*.db"):
        pid = file.stem.rpartition("_")[2]
        if not pid.isdecimal() or not _lives(int(pid)):
            file.unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def forget_process(directory: Path, pid: int) -> None:
    """Drops the gauges of a process that ended; what it counted stays counted."""
    # The library's own function is untyped.
    mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call]


def render_metrics(directory: Path, collectors: Iterable[Collector] = ()) -> bytes:
    """Returns one page for all processes of the node, and what the given collectors add."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(directory))  # type: ignore[no-untyped-call]
    for collector in collectors:
        registry.register(collector)
    return generate_latest(registry)


def new_registry() -> CollectorRegistry:
    """Returns a registry for the metrics of this process.

    Raises RuntimeError where the supervisor named a directory but prometheus_client was imported
    without it: such a process would count into the void.
    """
    shared = values.ValueClass is not values.MutexValue
    if DIRECTORY_VARIABLE in os.environ and not shared:
        raise RuntimeError(f"{DIRECTORY_VARIABLE} was set after prometheus_client was imported")
    return CollectorRegistry()


class MethodMetrics:
    """Counts and times the calls of one method; its children are looked up once."""

    def __init__(self, handled: Counter, handling: Histogram, service: str, method: str) -> None:
        self._handled = handled
        self._labels = (service, method)
        self._seconds = handling.labels(service, method)
        # grpc has 17 codes, so this stays small.
        self._codes: dict[str, Counter] = {}

    def observe(self, code_name: str, seconds: float) -> None:
        """Counts one call that ended with the code, such as `OK`, after so many seconds."""
        child = self._codes.get(code_name)
        if child is None:
            child = self._codes[code_name] = self._handled.labels(*self._labels, code_name)
        child.inc()
        self._seconds.observe(seconds)


class RpcMetrics:
    """Holds the field's standard metrics of a gRPC server."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._handled = Counter(
            "grpc_server_handled_total",
            "Number of calls that ended, by code.",
            ("grpc_service", "grpc_method", "grpc_code"),
            registry=registry,
        )
        self._handling = Histogram(
            "grpc_server_handling_seconds",
            "Seconds from the arrival of a call in a pool thread to its end.",
            ("grpc_service", "grpc_method"),
            buckets=CALL_BUCKETS,
            registry=registry,
        )

    def for_method(self, service: str, method: str) -> MethodMetrics:
        """Returns the metrics of one method; made once, when its handler is composed."""
        return MethodMetrics(self._handled, self._handling, service, method)


def start_tracing(settings: Settings) -> TracerProvider | None:
    """Returns a provider, or None where tracing is off.

    A trace that begins elsewhere is sampled as its parent was. Spans are exported, in batches, only
    where `otlp_endpoint` names a collector. Whoever calls it calls `shutdown()` at the end.
    """
    if not settings.tracing:
        return None
    # Importing the SDK takes 0.1 s that a node without tracing does not spend.
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased  # noqa: PLC0415

    provider = TracerProvider(
        # Which calls are sampled is decided before a span is made (server/interceptors/tracing.py).
        sampler=ParentBased(ALWAYS_ON),
        resource=Resource.create({"service.name": settings.audience}),
        shutdown_on_exit=False,
    )
    if settings.otlp_endpoint:
        _export(provider, settings.otlp_endpoint)
    return provider


def _export(provider: TracerProvider, endpoint: str) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter))
