"""Follows a trace from a caller's span through the call to the job it starts."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from core.bootstrap import open_node
from core.config import Settings
from howdah.node.v1 import node_pb2, node_pb2_grpc
from howdah_client import Credential, HowdahError, connect
from server.app import build_server
from tests.rpc.conftest import new_caller


def test_the_nodes_span_joins_the_callers(settings: Settings, tmp_path: Path) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    socket = f"unix:{tmp_path}/s"
    with open_node(settings) as node:
        application = build_server(node, CollectorRegistry(), provider.get_tracer("node"))
        application.server.add_insecure_port(socket)
        application.server.start()
        with grpc.insecure_channel(socket) as raw:
            caller = new_caller(node, raw, ("acme",), "viewer", "acme")
        credential = Credential(caller.key.key_id, caller.key.secret.hex())
        with connect(socket, credential, tenant="acme", tracer_provider=provider) as channel:
            stub = node_pb2_grpc.NodeServiceStub(channel)
            stub.Ping(node_pb2.PingRequest(message="x"), timeout=5)
            foreign = node_pb2_grpc.NodeServiceStub(channel.for_tenant("globex"))
            with pytest.raises(HowdahError, match="globex"):
                foreign.Ping(node_pb2.PingRequest(), timeout=5)
        application.drain(wait_seconds=0, grace_seconds=1)

    spans = exporter.get_finished_spans()
    served = [span for span in spans if span.kind.name == "SERVER"]
    called = {span.context.span_id: span for span in spans if span.kind.name == "CLIENT"}
    assert len(served) == len(called) == 2
    codes = {}
    for span in served:
        assert span.parent is not None
        assert called[span.parent.span_id].context.trace_id == span.context.trace_id
        assert span.attributes is not None
        codes[span.attributes["rpc.grpc.status_code"]] = span
    assert set(codes) == {"OK", "PERMISSION_DENIED"}
    assert codes["OK"].attributes["howdah.tenant_id"] == "acme"  # type: ignore[index]
    # A caller's own mistake is no error of the server.
    assert codes["PERMISSION_DENIED"].status.is_unset
