"""Keeps endpoints in Postgres; every statement runs bound to their tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from core.platform.postgres import Row
from core.platform.unit_of_work import UnitOfWork
from core.webhooks.endpoint import Endpoint, Filter

COLUMNS = """endpoint_id, url, description, event_types, job_kinds, disabled_at, disabled_reason,
 failures_in_row, failing_since, paused_until, created_at, updated_at,
 CASE WHEN old_secret_until > now() THEN old_secret_until END AS old_secret_until"""


def endpoint_from(row: Row) -> Endpoint:
    """Returns the endpoint of a row with `COLUMNS`."""
    return Endpoint(
        endpoint_id=str(row["endpoint_id"]),
        url=row["url"],
        description=row["description"],
        filter=Filter(tuple(row["event_types"]), tuple(row["job_kinds"])),
        disabled_at=row["disabled_at"],
        disabled_reason=row["disabled_reason"],
        failures_in_row=row["failures_in_row"],
        failing_since=row["failing_since"],
        paused_until=row["paused_until"],
        old_secret_until=row["old_secret_until"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def lock_endpoints(unit: UnitOfWork) -> None:
    """Lets one transaction at a time add endpoints of the tenant, or change where they are."""
    unit.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('howdah webhooks ' || :tenant_id, 0))",
        {"tenant_id": unit.context.tenant_id},
    )


def count(unit: UnitOfWork) -> int:
    """Returns how many endpoints the tenant has."""
    row = unit.one(
        "SELECT count(*) AS endpoints FROM webhook_endpoints WHERE tenant_id = :tenant_id",
        {"tenant_id": unit.context.tenant_id},
    )
    return 0 if row is None else int(row["endpoints"])


def url_is_taken(unit: UnitOfWork, url: str, *, besides: str | None) -> bool:
    """Tells whether another endpoint of the tenant than `besides` has the URL."""
    return (
        unit.one(
            """
            SELECT endpoint_id FROM webhook_endpoints WHERE tenant_id = :tenant_id AND url = :url
            AND endpoint_id IS DISTINCT FROM CAST(:besides AS uuid)
            """,
            {"tenant_id": unit.context.tenant_id, "url": url, "besides": besides},
        )
        is not None
    )


def insert(unit: UnitOfWork, values: Mapping[str, Any]) -> Endpoint:
    """Inserts an endpoint."""
    row = unit.one(
        f"""
        INSERT INTO webhook_endpoints (tenant_id, endpoint_id, url, description, event_types,
            job_kinds, secret_ciphertext)
        VALUES (:tenant_id, CAST(:endpoint_id AS uuid), :url, :description,
            CAST(:event_types AS text[]), CAST(:job_kinds AS text[]), :secret)
        RETURNING {COLUMNS}
        """,
        {**values, "tenant_id": unit.context.tenant_id},
    )
    assert row is not None
    return endpoint_from(row)


def get(unit: UnitOfWork, endpoint_id: str) -> Endpoint | None:
    """Returns the endpoint, or None."""
    row = unit.one(
        f"""
        SELECT {COLUMNS} FROM webhook_endpoints
        WHERE tenant_id = :tenant_id AND endpoint_id = CAST(:endpoint_id AS uuid)
        """,
        {"tenant_id": unit.context.tenant_id, "endpoint_id": endpoint_id},
    )
    return None if row is None else endpoint_from(row)


def list_oldest(unit: UnitOfWork, *, after: str | None, limit: int) -> Sequence[Endpoint]:
    """Returns endpoints, oldest first, younger than the id `after`."""
    rows = unit.all(
        f"""
        SELECT {COLUMNS} FROM webhook_endpoints WHERE tenant_id = :tenant_id
        AND (CAST(:after AS uuid) IS NULL OR endpoint_id > CAST(:after AS uuid))
        ORDER BY endpoint_id LIMIT :limit
        """,
        {"tenant_id": unit.context.tenant_id, "after": after, "limit": limit},
    )
    return [endpoint_from(row) for row in rows]


# Whoever switches an endpoint on, or moves it, wants it tried as if nothing had been.
UPDATE = f"""
UPDATE webhook_endpoints SET updated_at = now(), url = COALESCE(:url, url),
    description = COALESCE(:description, description),
    event_types = COALESCE(CAST(:event_types AS text[]), event_types),
    job_kinds = COALESCE(CAST(:job_kinds AS text[]), job_kinds),
    disabled_at = CASE WHEN CAST(:enabled AS boolean) THEN NULL
        WHEN NOT :enabled THEN COALESCE(disabled_at, now()) ELSE disabled_at END,
    disabled_reason = CASE WHEN :enabled THEN ''
        WHEN NOT :enabled AND disabled_at IS NULL THEN :reason ELSE disabled_reason END,
    failures_in_row = CASE WHEN :anew THEN 0 ELSE failures_in_row END,
    failing_since = CASE WHEN :anew THEN NULL ELSE failing_since END,
    paused_until = CASE WHEN :anew THEN NULL ELSE paused_until END
WHERE tenant_id = :tenant_id AND endpoint_id = CAST(:endpoint_id AS uuid)
RETURNING {COLUMNS}
"""


def update(unit: UnitOfWork, endpoint_id: str, values: Mapping[str, Any]) -> Endpoint | None:
    """Changes what is not None among the values; None where there is no such endpoint."""
    row = unit.one(
        UPDATE, {**values, "tenant_id": unit.context.tenant_id, "endpoint_id": endpoint_id}
    )
    return None if row is None else endpoint_from(row)


def delete(unit: UnitOfWork, endpoint_id: str) -> bool:
    """Deletes an endpoint with its deliveries; tells whether there was one."""
    return bool(
        unit.execute(
            """
            DELETE FROM webhook_endpoints
            WHERE tenant_id = :tenant_id AND endpoint_id = CAST(:endpoint_id AS uuid)
            """,
            {"tenant_id": unit.context.tenant_id, "endpoint_id": endpoint_id},
        ).rowcount
    )


def replace_secret(
    unit: UnitOfWork, endpoint_id: str, secret: bytes, *, overlap: timedelta
) -> Endpoint | None:
    """Puts a secret in the place of another, which is good for `overlap` more."""
    row = unit.one(
        f"""
        UPDATE webhook_endpoints SET old_secret_ciphertext = secret_ciphertext,
            old_secret_until = now() + :overlap, secret_ciphertext = :secret, updated_at = now()
        WHERE tenant_id = :tenant_id AND endpoint_id = CAST(:endpoint_id AS uuid)
        RETURNING {COLUMNS}
        """,
        {
            "tenant_id": unit.context.tenant_id,
            "endpoint_id": endpoint_id,
            "secret": secret,
            "overlap": overlap,
        },
    )
    return None if row is None else endpoint_from(row)
