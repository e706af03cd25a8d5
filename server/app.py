"""Builds the gRPC server: every service registered in one readable place, with health and drain."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health, health_pb2
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from grpc_reflection.v1alpha import reflection
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry

from core.config import Settings
from core.node.node import Node
from core.platform.access_log import AccessLog
from core.platform.telemetry import RpcMetrics
from core.tenants.authenticate import Authenticator
from core.tenants.nonces import LocalNonces, SharedNonces
from core.tenants.tokens import TokenVerifier
from server.gate import Gate
from server.handlers import Router, UnknownMethods
from server.interceptors import Chain, chain
from server.interceptors.authentication import Authentication
from server.interceptors.correlation import correlate
from server.interceptors.errors import bound_errors
from server.interceptors.idempotency import AnswerOnce
from server.interceptors.observation import Observation
from server.interceptors.rate_limit import RateLimiting
from server.interceptors.streams import StreamLimit
from server.interceptors.tenancy import Tenancy
from server.interceptors.tracing import Tracing
from server.interceptors.validation import Validation
from server.pool import CallPool
from server.service import Service
from server.servicers.analytics import analytics_service
from server.servicers.documents import documents_service
from server.servicers.files import files_service
from server.servicers.jobs import jobs_service
from server.servicers.node import node_service
from server.servicers.records import records_service
from server.servicers.schedules import schedules_service
from server.servicers.tenants import tenants_service
from server.servicers.webhooks import webhooks_service
from server.validation import Validator

# A nonce is remembered for as long as its timestamp could be taken, early and late, and then some.
NONCE_LIFE_OVER_SKEW = 3
# Less than the pause that a draining node asks for (server/gate.py).
REFUSAL_SECONDS = 0.1


def services_of(node: Node) -> list[Service]:
    """Returns every service of the contract."""
    services = [
        analytics_service(node.analytics),
        documents_service(node.documents),
        files_service(node.files),
        jobs_service(node.jobs),
        records_service(node.records),
        schedules_service(node.schedules),
        tenants_service(node.tenants),
        webhooks_service(node.webhooks),
    ]
    return [node_service(node.node, [each.descriptor for each in services]), *services]


@dataclass(frozen=True)
class Application:
    """Is a server that is ready to be started, and what it takes to stop it."""

    server: grpc.Server
    health: health.HealthServicer
    gate: Gate
    names: tuple[str, ...]
    calls: CallPool
    streams: CallPool

    def set_serving(self, *, serving: bool) -> None:
        """Tells health watchers, per service and overall."""
        status = health_pb2.HealthCheckResponse
        for name in ("", *self.names):
            self.health.set(name, status.SERVING if serving else status.NOT_SERVING)

    def drain(self, wait_seconds: float, grace_seconds: float) -> None:
        """Stops without losing a call: tell watchers, let them look away, refuse, finish.

        grpcio cancels what arrives in the moment it stops, which callers cannot tell from a call
        that ran. So new calls are refused as UNAVAILABLE first, with a pause before the next try,
        and the server stops within that pause.
        """
        self.set_serving(serving=False)
        threading.Event().wait(wait_seconds)
        self.gate.close()
        threading.Event().wait(REFUSAL_SECONDS)
        self.server.stop(grace_seconds).wait()
        self.calls.shutdown(wait=True)
        self.streams.shutdown(wait=True)


def build_server(
    node: Node,
    registry: CollectorRegistry,
    tracer: Tracer | None = None,
    log: AccessLog | None = None,
) -> Application:
    """Returns the server without an address; calls are traced where there is a tracer."""
    settings = node.settings
    tracing = None if tracer is None else Tracing(tracer, settings.trace_sample_ratio)
    gate = Gate()
    pool = CallPool(settings.server_threads)
    streams = CallPool(settings.server_stream_threads)
    services = services_of(node)
    observation = Observation(RpcMetrics(registry), log or AccessLog())
    refusals = Chain((observation, correlate, bound_errors))
    full = _full_chain(node, observation, gate, tracing)
    router = Router(
        services=services,
        chain=full,
        refusals=refusals,
        gate=gate,
        pool=pool,
        streams=streams,
        max_waiting_calls=settings.max_waiting_calls,
        max_answer_bytes=settings.max_message_bytes,
    )
    server = grpc.server(
        pool,
        handlers=[router],
        options=server_options(settings),
        # Behind the router's own limit, for what does not pass it: health and reflection.
        maximum_concurrent_rpcs=settings.max_waiting_calls
        + settings.server_threads
        + settings.server_stream_threads
        + 64,
    )
    servicer = health.HealthServicer(
        experimental_non_blocking=True, experimental_thread_pool=ThreadPoolExecutor(1, "health")
    )
    add_HealthServicer_to_server(servicer, server)
    names = tuple(service.descriptor.full_name for service in services)
    if settings.reflection:
        shown = (*names, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(shown, server)
    server.add_generic_rpc_handlers((UnknownMethods(refusals),))
    return Application(server, servicer, gate, names, pool, streams)


def _full_chain(node: Node, observation: Observation, gate: Gate, tracing: Tracing | None) -> Chain:
    settings = node.settings
    remembered = settings.clock_skew_seconds * NONCE_LIFE_OVER_SKEW
    signatures = Authenticator(
        credentials=node.directory,
        read_nonces=LocalNonces(remembered, settings.nonce_window_per_process),
        change_nonces=SharedNonces(node.redis, settings.audience, remembered),
        clock_skew_seconds=settings.clock_skew_seconds,
    )
    tokens = TokenVerifier(node.directory, settings.audience, leeway_seconds=5)
    return chain(
        observation=observation,
        authentication=Authentication(signatures, tokens, settings.audience),
        tenancy=Tenancy(node.directory, signatures),
        rate_limiting=RateLimiting(node.rate_limiter),
        stream_limit=StreamLimit(gate, settings.max_streams_per_tenant),
        validation=Validation(Validator()),
        answer_once=AnswerOnce(node.database),
        tracing=tracing,
    )


def server_options(settings: Settings) -> list[tuple[str, int]]:
    """Returns grpcio's options; each limit is a named setting."""
    return [
        # Sharing a port is meant: the supervisor has made sure that no other node is on it.
        ("grpc.so_reuseport", 1),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        ("grpc.max_metadata_size", settings.max_metadata_bytes),
        ("grpc.absolute_max_metadata_size", settings.max_metadata_bytes),
        # Connections are renewed, so that they spread over processes and follow a roll-out.
        ("grpc.max_connection_age_ms", settings.max_connection_age_seconds * 1000),
        ("grpc.max_connection_age_grace_ms", settings.max_connection_grace_seconds * 1000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
    ]
