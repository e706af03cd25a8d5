"""Serves /health, /ready and /metrics from a thread of the supervisor."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.config import Settings
from core.platform.local_storage import LocalStorage
from core.platform.postgres import open_engine
from core.platform.system_database import SystemDatabase
from core.platform.telemetry import metrics_directory, render_metrics
from server.admin import readiness
from server.admin.queues import QueueCollector
from server.admin.schedules import ScheduleCollector

STOP_SECONDS = 3.0
# One for each page that can be asked for at once, and the two checks of Postgres.
CONNECTIONS = 4


def admin_app(ready: Callable[[], Mapping[str, str]], metrics: Callable[[], bytes]) -> Starlette:
    """Returns the pages. They are plain functions, so Starlette runs each in a thread."""

    def health(_request: Request) -> Response:
        return JSONResponse({"status": "live"})

    def show_ready(_request: Request) -> Response:
        checks = dict(ready())
        is_ready = all(answer == "ok" for answer in checks.values())
        body = {"status": "ready" if is_ready else "not ready", "checks": checks}
        return JSONResponse(body, status_code=200 if is_ready else 503)

    def show_metrics(_request: Request) -> Response:
        return Response(metrics(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/ready", show_ready),
            Route("/metrics", show_metrics),
        ]
    )


@contextmanager
def admin_pages(
    settings: Settings,
    listening: socket.socket,
    processes: Callable[[], Mapping[str, int | None]],
    *,
    serves_calls: bool,
) -> Iterator[None]:
    """Serves the pages on the socket until the end."""
    assert settings.system_database_url is not None
    assert settings.redis_url is not None
    with ExitStack() as stack:
        engine = open_engine(
            settings.system_database_url.get_secret_value(),
            pool_size=CONNECTIONS,
            connect_timeout_seconds=settings.database_connect_timeout_seconds,
        )
        system = SystemDatabase(engine)
        stack.callback(system.dispose)
        redis_url = settings.redis_url.get_secret_value()
        ready = readiness.Readiness(
            {
                "postgres": readiness.postgres_answers(system),
                "migrations": readiness.schema_is_current(system),
                "redis": readiness.redis_answers(redis_url, settings.redis_timeout_seconds),
                "storage": readiness.storage_takes_files(LocalStorage(settings.data_dir / "files")),
                "processes": readiness.processes_run(
                    processes, settings.grpc_address if serves_calls else None
                ),
            }
        )
        stack.callback(ready.close)
        collectors = [QueueCollector(system, settings.worker_queues), ScheduleCollector(system)]
        directory = metrics_directory(settings)
        stack.enter_context(
            served(admin_app(ready, lambda: render_metrics(directory, collectors)), listening)
        )
        yield


@contextmanager
def served(app: Starlette, listening: socket.socket) -> Iterator[None]:
    """Runs the application in a thread on a socket that listens already."""
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False)
    )
    # uvicorn leaves signals alone where it is not the main thread.
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listening]}, name="admin", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS)
