"""Is one gRPC process: opens the node, serves until it is told to stop, and drains."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import grpc
import structlog

from core.bootstrap import open_node
from core.config import ConfigError, Settings, load_settings
from core.failures import RefusedError
from core.node.node import Node
from core.platform.access_log import AccessLog
from core.platform.logging import configure_logging, wants_colours
from core.platform.telemetry import new_registry, start_tracing
from server.app import Application, build_server

# Set by the supervisor; the first process alone serves the unix socket, which cannot be shared.
INDEX_VARIABLE = "HOWDAH_PROCESS_INDEX"
POSTGRES_CHECK_SECONDS = 1.0
# Without an answer for so long, calls are sent to another node.
POSTGRES_SILENCE_SECONDS = 3.0


def main() -> int:
    """Serves until SIGTERM or SIGINT; a second signal ends it at once."""
    try:
        settings = load_settings()
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    index = int(os.environ.get(INDEX_VARIABLE, "0"))
    access_log = configure_access_log(settings, f"server-{index}")
    log = structlog.get_logger()
    pin(settings, index)
    stop = threading.Event()
    on_signal(stop)
    provider = start_tracing(settings)
    tracer = provider.get_tracer("howdah.server") if provider is not None else None
    with open_node(settings) as node:
        application = build_server(node, new_registry(), tracer, access_log)
        addresses = listen(application.server, settings, index)
        application.server.start()
        application.set_serving(serving=True)
        watch_postgres(node, application, stop)
        # What is loaded now stays: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        log.info("server_started", addresses=addresses, pid=os.getpid())
        stop.wait()
        log.info("server_draining")
        application.drain(settings.drain_wait_seconds, settings.drain_grace_seconds)
    if provider is not None:
        provider.shutdown()
    log.info("server_stopped")
    return 0


def configure_access_log(settings: Settings, process: str) -> AccessLog:
    """Sets up logging and returns what writes the lines of calls."""
    writer = configure_logging(settings, process)
    plain = not wants_colours(settings) and settings.log_level in ("debug", "info")
    return AccessLog(writer if plain else None, process)


def on_signal(stop: threading.Event) -> None:
    """Sets `stop` at the first signal; at the second the process is gone."""

    def handle(_number: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def pin(settings: Settings, index: int) -> None:
    """Keeps the process on one core: handing threads between cores costs a quarter of a call."""
    if not settings.server_pin_cpus or not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))
    if settings.server_processes <= len(cores):
        os.sched_setaffinity(0, {cores[index % len(cores)]})


def listen(server: grpc.Server, settings: Settings, index: int) -> list[str]:
    """Binds the addresses; raises RuntimeError where one cannot be had."""
    credentials = server_credentials(settings)
    addresses = [settings.grpc_address]
    if settings.grpc_unix_socket is not None and index == 0:
        free_socket(settings.grpc_unix_socket)
        addresses.append(f"unix:{settings.grpc_unix_socket}")
    for address in addresses:
        if credentials is not None and not address.startswith("unix:"):
            server.add_secure_port(address, credentials)
        else:
            server.add_insecure_port(address)
    return addresses


def free_socket(path: Path) -> None:
    """Removes the socket that an earlier process left; raises RuntimeError where one listens."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
    raise RuntimeError(f"another node listens on {path}")


def server_credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """Returns TLS, with client certificates required where their authority is named; or None."""
    certificate, key = settings.grpc_tls_certificate_file, settings.grpc_tls_key_file
    if certificate is None or key is None:
        return None
    authority = settings.grpc_tls_client_ca_file
    return grpc.ssl_server_credentials(
        [(key.read_bytes(), certificate.read_bytes())],
        root_certificates=_bytes_of(authority),
        require_client_auth=authority is not None,
    )


def _bytes_of(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()


def watch_postgres(node: Node, application: Application, stop: threading.Event) -> None:
    """Has health say NOT_SERVING while Postgres is gone or hangs; in threads of its own."""
    answered = [time.monotonic()]

    def ask() -> None:
        while not stop.wait(POSTGRES_CHECK_SECONDS):
            if postgres_answers(node):
                answered[0] = time.monotonic()

    def watch() -> None:
        serving = True
        while not stop.wait(POSTGRES_CHECK_SECONDS / 4):
            reachable = time.monotonic() - answered[0] < POSTGRES_SILENCE_SECONDS
            if reachable != serving and not stop.is_set():
                serving = reachable
                node.database.reachable = serving
                application.set_serving(serving=serving)
                structlog.get_logger().warning("postgres_reachable", reachable=reachable)

    # Two, because a server that hangs holds whoever asks it.
    for work in (ask, watch):
        threading.Thread(target=work, name=f"{work.__name__}-postgres", daemon=True).start()


def postgres_answers(node: Node) -> bool:
    """Tells whether a query comes back."""
    try:
        with node.system.begin(timeout_seconds=POSTGRES_CHECK_SECONDS) as transaction:
            transaction.execute("SELECT 1")
    except RefusedError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
