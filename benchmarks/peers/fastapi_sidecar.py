"""Is a FastAPI sidecar that does the node's job for one call, as FastAPI's documentation teaches.

The same canonical string and HMAC, nonce window, tenant binding, correlation id, JSON access line
and metrics, over a JSON POST; written with `@app.middleware("http")`, `Depends`, `Header` and
pydantic models. Run by uvicorn in one process.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import logging
import os
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

import structlog
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from prometheus_client import Counter, Histogram, make_asgi_app
from pydantic import BaseModel, Field

AUDIENCE = "howdah"
CLOCK_SKEW_SECONDS = 60
NONCE_LIFE_SECONDS = 180.0

CALLS = Counter("http_requests", "Calls by method, path and status", ["method", "path", "status"])
SECONDS = Histogram("http_request_duration_seconds", "Time of a call", ["method", "path"])

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(),
    ],
    wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    cache_logger_on_first_use=True,
)
log = structlog.get_logger()


@dataclass
class Credentials:
    """Holds the one credential of the benchmark and its nonces."""

    key_id: str
    secret: bytes
    tenants: frozenset[str]
    nonces: dict[str, float] = field(default_factory=dict)

    def is_new(self, nonce: str) -> bool:
        """Remembers the nonce; forgets those that are too old, which stand first."""
        now = time.monotonic()
        while self.nonces and (oldest := next(iter(self.nonces.items())))[1] < now:
            del self.nonces[oldest[0]]
        if nonce in self.nonces:
            return False
        self.nonces[nonce] = now + NONCE_LIFE_SECONDS
        return True


class Principal(BaseModel):
    """Is a caller that proved itself, bound to one tenant."""

    key_id: str
    tenant_id: str


class PingRequest(BaseModel):
    """Asks for an answer."""

    message: str = Field(max_length=1024)


class PingResponse(BaseModel):
    """Answers a ping."""

    message: str
    tenant_id: str
    key_id: str
    server_time: datetime


app = FastAPI()
app.mount("/metrics", make_asgi_app())
app.state.credentials = Credentials(
    os.environ.get("LOAD_KEY_ID", "bench"),
    bytes.fromhex(os.environ.get("LOAD_SECRET", "")),
    frozenset({"acme"}),
)

Next = Callable[[Request], Awaitable[Response]]


@app.middleware("http")
async def observe(request: Request, call_next: Next) -> Response:
    """Times and counts the call, gives it its correlation id, and writes its one line."""
    started = time.perf_counter()
    correlation_id = request.headers.get("x-correlation-id") or str(uuid.uuid4())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(
        correlation_id=correlation_id, tenant_id=request.headers.get("x-tenant-id", "")
    )
    response = await call_next(request)
    response.headers["x-correlation-id"] = correlation_id
    seconds = time.perf_counter() - started
    CALLS.labels(request.method, request.url.path, response.status_code).inc()
    SECONDS.labels(request.method, request.url.path).observe(seconds)
    log.info(
        "http",
        method=request.method,
        path=request.url.path,
        status=response.status_code,
        duration_ms=round(seconds * 1000, 3),
    )
    return response


async def authenticate(  # noqa: PLR0917 - FastAPI passes headers by name.
    request: Request,
    x_internal_key_id: Annotated[str, Header()],
    x_internal_timestamp: Annotated[int, Header()],
    x_internal_nonce: Annotated[str, Header(pattern=r"^[A-Za-z0-9_-]{16,64}$")],
    x_internal_signature: Annotated[str, Header()],
    x_tenant_id: Annotated[str, Header(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")],
    x_correlation_id: Annotated[str, Header()] = "",
) -> Principal:
    """Verifies the signature over the received bytes, then the tenant, then the nonce."""
    credentials: Credentials = request.app.state.credentials
    if x_internal_key_id != credentials.key_id:
        raise HTTPException(401, "The call could not be authenticated.")
    if abs(time.time() - x_internal_timestamp) > CLOCK_SKEW_SECONDS:
        raise HTTPException(401, "The call could not be authenticated.")
    body_hash = hashlib.sha256(await request.body()).hexdigest()
    canonical = (
        f"HOWDAH-HMAC-SHA256\n{x_internal_key_id}\n{x_internal_timestamp}\n{x_internal_nonce}\n"
        f"{AUDIENCE}\n{request.url.path}\n{x_tenant_id}\n{x_correlation_id}\n{body_hash}"
    )
    expected = "v1=" + hmac.digest(credentials.secret, canonical.encode(), "sha256").hex()
    if not hmac.compare_digest(expected, x_internal_signature):
        raise HTTPException(401, "The call could not be authenticated.")
    if x_tenant_id not in credentials.tenants:
        raise HTTPException(403, "The credential does not cover the tenant.")
    if not credentials.is_new(x_internal_nonce):
        raise HTTPException(401, "The call could not be authenticated.")
    return Principal(key_id=x_internal_key_id, tenant_id=x_tenant_id)


@app.post("/v1/ping")
async def ping(
    body: PingRequest, principal: Annotated[Principal, Depends(authenticate)]
) -> PingResponse:
    """Answers with the request's text and what the sidecar took the caller for."""
    return PingResponse(
        message=body.message,
        tenant_id=principal.tenant_id,
        key_id=principal.key_id,
        server_time=datetime.now(UTC),
    )


def main() -> None:
    """Serves until killed; uvicorn takes uvloop and httptools by itself where they are there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port: int = parser.parse_args().port
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
