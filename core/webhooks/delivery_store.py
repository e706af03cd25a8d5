"""Keeps messages, their deliveries and every try in Postgres, bound to their tenant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from core.context import Context
from core.platform.postgres import Row
from core.platform.unit_of_work import UnitOfWork
from core.webhooks.delivery import Delivery, DeliveryAttempt, DeliveryState
from core.webhooks.endpoint import TEST_EVENT

FIND = """
SELECT d.delivery_id, d.message_id, d.endpoint_id, m.event_type, m.job_id AS subject_job_id,
    d.job_id, d.state, d.created_at, d.finished_at,
    CASE WHEN j.state = 'queued' THEN j.run_at END AS next_at
FROM webhook_deliveries AS d
JOIN webhook_messages AS m ON m.tenant_id = d.tenant_id AND m.message_id = d.message_id
LEFT JOIN jobs AS j ON j.tenant_id = d.tenant_id AND j.job_id = d.job_id
WHERE d.tenant_id = :tenant_id
"""


def list_newest(
    unit: UnitOfWork,
    *,
    endpoint_id: str | None,
    message_id: str | None,
    state: DeliveryState | None,
    before: str | None,
    limit: int,
) -> Sequence[Delivery]:
    """Returns deliveries with their tries, newest first, older than the id `before`."""
    rows = unit.all(
        f"""
        {FIND}
        AND (CAST(:endpoint_id AS uuid) IS NULL OR d.endpoint_id = CAST(:endpoint_id AS uuid))
        AND (CAST(:message_id AS uuid) IS NULL OR d.message_id = CAST(:message_id AS uuid))
        AND (CAST(:state AS text) IS NULL OR d.state = :state)
        AND (CAST(:before AS uuid) IS NULL OR d.delivery_id < CAST(:before AS uuid))
        ORDER BY d.delivery_id DESC LIMIT :limit
        """,
        {
            "tenant_id": unit.context.tenant_id,
            "endpoint_id": endpoint_id,
            "message_id": message_id,
            "state": state,
            "before": before,
            "limit": limit,
        },
    )
    return _with_attempts(unit, rows)


def get_all(unit: UnitOfWork, delivery_ids: Sequence[str]) -> Sequence[Delivery]:
    """Returns these deliveries, the oldest first."""
    rows = unit.all(
        f"{FIND} AND d.delivery_id = ANY(CAST(:ids AS uuid[])) ORDER BY d.delivery_id",
        {"tenant_id": unit.context.tenant_id, "ids": list(delivery_ids)},
    )
    return _with_attempts(unit, rows)


def _with_attempts(unit: UnitOfWork, rows: Sequence[Row]) -> Sequence[Delivery]:
    attempts: dict[str, list[DeliveryAttempt]] = defaultdict(list)
    for row in unit.all(
        """
        SELECT delivery_id, number, started_at, duration_ms, status, error, answer
        FROM webhook_attempts WHERE tenant_id = :tenant_id
        AND delivery_id = ANY(CAST(:ids AS uuid[])) ORDER BY delivery_id, number
        """,
        {
            "tenant_id": unit.context.tenant_id,
            "ids": [str(row["delivery_id"]) for row in rows],
        },
    ):
        values = {name: value for name, value in row.items() if name != "delivery_id"}
        attempts[str(row["delivery_id"])].append(DeliveryAttempt(**values))
    return [_delivery_from(row, attempts[str(row["delivery_id"])]) for row in rows]


def _delivery_from(row: Row, attempts: Sequence[DeliveryAttempt]) -> Delivery:
    subject = row["subject_job_id"]
    return Delivery(
        delivery_id=str(row["delivery_id"]),
        message_id=str(row["message_id"]),
        endpoint_id=str(row["endpoint_id"]),
        event_type=row["event_type"],
        subject_job_id=None if subject is None else str(subject),
        job_id=str(row["job_id"]),
        state=DeliveryState(row["state"]),
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        next_at=row["next_at"],
        attempts=attempts,
    )


def insert_test_message(unit: UnitOfWork, message_id: str, body: str) -> None:
    """Inserts a message that tells of nothing."""
    unit.execute(
        """
        INSERT INTO webhook_messages (tenant_id, message_id, event_type, body)
        VALUES (:tenant_id, CAST(:message_id AS uuid), :event_type, :body)
        """,
        {
            "tenant_id": unit.context.tenant_id,
            "message_id": message_id,
            "event_type": TEST_EVENT,
            "body": body,
        },
    )


def message_exists(unit: UnitOfWork, message_id: str) -> bool:
    """Tells whether the tenant has the message."""
    return (
        unit.one(
            """
            SELECT message_id FROM webhook_messages
            WHERE tenant_id = :tenant_id AND message_id = CAST(:message_id AS uuid)
            """,
            {"tenant_id": unit.context.tenant_id, "message_id": message_id},
        )
        is not None
    )


def endpoints_told(unit: UnitOfWork, message_id: str) -> Sequence[str]:
    """Returns the enabled endpoints that the message was for before."""
    rows = unit.all(
        """
        SELECT DISTINCT d.endpoint_id FROM webhook_deliveries AS d
        JOIN webhook_endpoints AS e ON e.tenant_id = d.tenant_id
            AND e.endpoint_id = d.endpoint_id AND e.disabled_at IS NULL
        WHERE d.tenant_id = :tenant_id AND d.message_id = CAST(:message_id AS uuid)
        ORDER BY d.endpoint_id
        """,
        {"tenant_id": unit.context.tenant_id, "message_id": message_id},
    )
    return [str(row["endpoint_id"]) for row in rows]


# What is still under way is left to its own tries, and a test is of no use the second time.
ENDED_PAIRS = """
SELECT m.message_id, d.endpoint_id FROM webhook_messages AS m
JOIN webhook_deliveries AS d ON d.tenant_id = m.tenant_id AND d.message_id = m.message_id
JOIN webhook_endpoints AS e ON e.tenant_id = d.tenant_id AND e.endpoint_id = d.endpoint_id
    AND e.disabled_at IS NULL
WHERE m.tenant_id = :tenant_id AND m.created_at >= :start AND m.created_at < :end
AND m.event_type <> :test
AND (CAST(:endpoint_id AS uuid) IS NULL OR d.endpoint_id = CAST(:endpoint_id AS uuid))
GROUP BY m.message_id, d.endpoint_id
HAVING bool_and(d.state <> 'pending') AND NOT (:only_failed AND bool_or(d.state = 'delivered'))
ORDER BY m.message_id, d.endpoint_id LIMIT :limit
"""


def list_ended(unit: UnitOfWork, wanted: dict[str, Any], *, limit: int) -> Sequence[Pair]:
    """Returns messages of a time with the endpoints they went to, oldest first."""
    rows = unit.all(
        ENDED_PAIRS,
        {**wanted, "tenant_id": unit.context.tenant_id, "test": TEST_EVENT, "limit": limit},
    )
    return [(str(row["message_id"]), str(row["endpoint_id"])) for row in rows]


Pair = tuple[str, str]


def start(unit: UnitOfWork, pairs: Sequence[Pair]) -> Sequence[Delivery]:
    """Starts a delivery for each message and endpoint, and wakes the dispatchers."""
    context: Context = unit.context
    rows = unit.all(
        """
        SELECT webhook_deliver(:tenant_id, message, endpoint, :key_id, CAST(:roles AS text[]),
            :correlation_id, :traceparent) AS delivery_id
        FROM unnest(CAST(:messages AS uuid[]), CAST(:endpoints AS uuid[]))
            AS pair (message, endpoint)
        """,
        {
            "tenant_id": context.tenant_id,
            "key_id": context.principal.key_id,
            "roles": sorted(context.principal.roles),
            "correlation_id": context.correlation_id,
            "traceparent": context.traceparent,
            "messages": [message for message, _endpoint in pairs],
            "endpoints": [endpoint for _message, endpoint in pairs],
        },
    )
    return get_all(unit, [str(row["delivery_id"]) for row in rows])
