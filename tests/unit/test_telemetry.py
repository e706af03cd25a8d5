from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from opentelemetry.trace import NoOpTracer

from core.config import load_settings
from core.platform.telemetry import (
    DIRECTORY_VARIABLE,
    RpcMetrics,
    clear_metrics,
    new_registry,
    render_metrics,
    start_tracing,
)
from server.interceptors.tracing import Tracing

COUNT_ONE = """
from opentelemetry.trace import NoOpTracer

from core.platform.telemetry import RpcMetrics, new_registry
metrics = RpcMetrics(new_registry()).for_method("howdah.node.v1.NodeService", "Ping")
metrics.observe("OK", 0.002)
metrics.observe("NOT_FOUND", 0.004)
"""
LABELS = 'grpc_method="Ping",grpc_service="howdah.node.v1.NodeService"'


def count_in_a_process(directory: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", COUNT_ONE],
        env={**os.environ, DIRECTORY_VARIABLE: str(directory), "PYTHONPATH": str(Path.cwd())},
        check=True,
    )


def test_one_page_adds_up_what_all_processes_counted(tmp_path: Path) -> None:
    clear_metrics(tmp_path)
    count_in_a_process(tmp_path)
    count_in_a_process(tmp_path)
    page = render_metrics(tmp_path).decode()
    assert f'grpc_server_handled_total{{grpc_code="OK",{LABELS}}} 2.0' in page
    assert f'grpc_server_handled_total{{grpc_code="NOT_FOUND",{LABELS}}} 2.0' in page
    assert f"grpc_server_handling_seconds_count{{{LABELS}}} 4.0" in page


def test_a_new_run_starts_at_zero(tmp_path: Path) -> None:
    clear_metrics(tmp_path)
    count_in_a_process(tmp_path)
    clear_metrics(tmp_path)
    assert b"grpc_server_handled_total{" not in render_metrics(tmp_path)


def test_a_process_that_would_count_into_the_void_does_not_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    new_registry()
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
    with pytest.raises(RuntimeError, match="after prometheus_client was imported"):
        new_registry()


def test_a_process_on_its_own_counts_for_itself() -> None:
    registry = new_registry()
    RpcMetrics(registry).for_method("s", "m").observe("OK", 0.1)
    labels = {"grpc_service": "s", "grpc_method": "m", "grpc_code": "OK"}
    assert registry.get_sample_value("grpc_server_handled_total", labels) == 1


def test_tracing_is_off_unless_asked_for() -> None:
    assert start_tracing(load_settings({})) is None


@pytest.mark.parametrize(
    ("traceparent", "ratio", "sampled"),
    [
        ("", 0.0, False),
        ("", 1.0, True),
        (f"00-{'1' * 32}-{'2' * 16}-01", 0.0, True),
        (f"00-{'1' * 32}-{'2' * 16}-00", 1.0, False),
    ],
)
def test_a_call_is_sampled_as_its_callers_trace_or_by_the_ratio(
    traceparent: str, ratio: float, sampled: bool
) -> None:
    tracing = Tracing(NoOpTracer(), ratio)

    assert tracing._is_sampled(traceparent) is sampled


def test_spans_go_to_the_collector_that_is_named() -> None:
    paths: list[str] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            paths.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with http.server.HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        environment = {
            "HOWDAH_TRACING": "true",
            "HOWDAH_TRACE_SAMPLE_RATIO": "1",
            "HOWDAH_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        }
        provider = start_tracing(load_settings(environment))
        assert provider is not None
        provider.get_tracer("test").start_span("call").end()
        provider.shutdown()
        thread.join(5)
    assert paths == ["/v1/traces"]
