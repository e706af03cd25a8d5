"""Keeps what a try needs and what came of it, and how well its endpoint does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.platform.unit_of_work import UnitOfWork
from core.webhooks.retries import (
    FAILURES_BEFORE_PAUSE,
    FIRST_PAUSE_SECONDS,
    FORGOTTEN_SECONDS,
    LONGEST_PAUSE_SECONDS,
    PROBE_SECONDS,
)


@dataclass(frozen=True, slots=True)
class Due:
    """Is what is to be sent, and where. `pause_seconds` is None where the endpoint has no pause."""

    delivery_id: str
    message_id: str
    endpoint_id: str
    event_type: str
    body: str
    url: str
    disabled_reason: str | None
    pause_seconds: float | None
    secret: bytes
    old_secret: bytes | None


def find(unit: UnitOfWork, delivery_id: str) -> Due | None:
    """Returns the delivery; None where it or its endpoint is gone."""
    row = unit.one(
        """
        SELECT d.delivery_id, d.message_id, d.endpoint_id, m.event_type, m.body, e.url,
            CASE WHEN e.disabled_at IS NOT NULL THEN e.disabled_reason END AS disabled_reason,
            e.secret_ciphertext AS secret,
            CASE WHEN e.old_secret_until > now() THEN e.old_secret_ciphertext END AS old_secret,
            CAST(extract(epoch FROM e.paused_until - clock_timestamp()) AS double precision)
                AS pause_seconds
        FROM webhook_deliveries AS d
        JOIN webhook_messages AS m ON m.tenant_id = d.tenant_id AND m.message_id = d.message_id
        JOIN webhook_endpoints AS e ON e.tenant_id = d.tenant_id AND e.endpoint_id = d.endpoint_id
        WHERE d.tenant_id = :tenant_id AND d.delivery_id = CAST(:delivery_id AS uuid)
        """,
        {"tenant_id": unit.context.tenant_id, "delivery_id": delivery_id},
    )
    if row is None:
        return None
    ids = {name: str(row[name]) for name in ("delivery_id", "message_id", "endpoint_id")}
    return Due(**{**row, **ids})


def may_probe(unit: UnitOfWork, endpoint_id: str) -> bool:
    """Takes the one try that follows a pause; False where another delivery has it."""
    return bool(
        unit.execute(
            """
            UPDATE webhook_endpoints
            SET paused_until = clock_timestamp() + make_interval(secs => :probe_seconds)
            WHERE tenant_id = :tenant_id AND endpoint_id = CAST(:endpoint_id AS uuid)
            AND paused_until <= clock_timestamp()
            """,
            {
                "tenant_id": unit.context.tenant_id,
                "endpoint_id": endpoint_id,
                "probe_seconds": PROBE_SECONDS,
            },
        ).rowcount
    )


def note_success(unit: UnitOfWork, endpoint_id: str) -> None:
    """Forgets the failures of an endpoint; writes nothing where there are none."""
    unit.execute(
        """
        UPDATE webhook_endpoints SET failures_in_row = 0, failing_since = NULL, paused_until = NULL
        WHERE tenant_id = :tenant_id AND endpoint_id = CAST(:endpoint_id AS uuid)
        AND failures_in_row > 0
        """,
        {"tenant_id": unit.context.tenant_id, "endpoint_id": endpoint_id},
    )


def note_failure(
    unit: UnitOfWork, endpoint_id: str, *, error: str, gone: bool, disable_after_hours: int
) -> str | None:
    """Counts a failure; returns why the endpoint is disabled by it, or None.

    It is where it said that it is gone, or has done nothing but fail for long.
    """
    row = unit.one(
        """
        UPDATE webhook_endpoints SET failures_in_row = failures_in_row + 1,
            failing_since = after.failing_since, failed_at = now(),
            paused_until = CASE WHEN failures_in_row + 1 >= :failures_before_pause
                THEN clock_timestamp() + make_interval(secs => LEAST(:longest_pause,
                    :first_pause * 2.0 ^ LEAST(failures_in_row + 1 - :failures_before_pause, 30)))
                ELSE paused_until END,
            disabled_at = CASE WHEN after.reason IS NULL THEN disabled_at ELSE now() END,
            disabled_reason = COALESCE(after.reason, disabled_reason)
        FROM (
            SELECT begun.failing_since, CASE
                WHEN disabled_at IS NOT NULL THEN NULL
                WHEN :gone THEN 'The receiver answered with status 410: it wants no more.'
                WHEN begun.failing_since < now() - make_interval(hours => :disable_after_hours)
                THEN 'Nothing but failures since '
                    || to_char(begun.failing_since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
                    || ' UTC. The last: ' || :error END AS reason
            FROM webhook_endpoints, LATERAL (
                SELECT CASE WHEN failed_at > now() - make_interval(secs => :forgotten_seconds)
                    THEN COALESCE(webhook_endpoints.failing_since, now()) ELSE now() END
                    AS failing_since
            ) AS begun
            WHERE tenant_id = :tenant_id AND endpoint_id = CAST(:endpoint_id AS uuid)
            FOR UPDATE OF webhook_endpoints
        ) AS after
        WHERE tenant_id = :tenant_id AND endpoint_id = CAST(:endpoint_id AS uuid)
        RETURNING after.reason
        """,
        {
            "tenant_id": unit.context.tenant_id,
            "endpoint_id": endpoint_id,
            "error": error,
            "gone": gone,
            "disable_after_hours": disable_after_hours,
            "forgotten_seconds": FORGOTTEN_SECONDS,
            "failures_before_pause": FAILURES_BEFORE_PAUSE,
            "first_pause": FIRST_PAUSE_SECONDS,
            "longest_pause": LONGEST_PAUSE_SECONDS,
        },
    )
    return None if row is None else row["reason"]


def record(
    unit: UnitOfWork,
    delivery_id: str,
    *,
    started_at: datetime,
    duration_ms: int,
    status: int | None,
    error: str,
    answer: str,
) -> int:
    """Writes one try into the log, after its endpoint was noted; returns its number, from 1.

    0 where the delivery is gone. The endpoint comes first, as where it is deleted.
    """
    row = unit.one(
        """
        WITH counted AS (
            UPDATE webhook_deliveries SET attempts = attempts + 1
            WHERE tenant_id = :tenant_id AND delivery_id = CAST(:delivery_id AS uuid)
            RETURNING delivery_id, attempts
        )
        INSERT INTO webhook_attempts (tenant_id, delivery_id, number, started_at, duration_ms,
            status, error, answer)
        SELECT :tenant_id, delivery_id, attempts, :started_at, :duration_ms, :status, :error,
            :answer FROM counted
        RETURNING number
        """,
        {
            "tenant_id": unit.context.tenant_id,
            "delivery_id": delivery_id,
            "started_at": started_at,
            "duration_ms": duration_ms,
            "status": status,
            "error": error,
            "answer": answer,
        },
    )
    return 0 if row is None else int(row["number"])
