"""Add webhook endpoints, messages and deliveries, written in the transaction that ends a job."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Receivers refuse large bodies; one that is longer goes without the job's result.
MOST_BODY_BYTES = 20_480
# Of an error that would not fit otherwise.
MOST_MESSAGE_CHARACTERS = 1_000

TABLES = """
CREATE TABLE webhook_endpoints (
    tenant_id            text NOT NULL REFERENCES tenants,
    endpoint_id          uuid NOT NULL,
    url                  text NOT NULL,
    description          text NOT NULL DEFAULT '',
    event_types          text[] NOT NULL DEFAULT '{}', -- empty for all
    job_kinds            text[] NOT NULL DEFAULT '{}', -- empty for all
    secret_ciphertext    bytea NOT NULL,
    old_secret_ciphertext bytea,
    old_secret_until     timestamptz,
    disabled_at          timestamptz,
    disabled_reason      text NOT NULL DEFAULT '',
    failures_in_row      integer NOT NULL DEFAULT 0,
    failing_since        timestamptz,
    failed_at            timestamptz,
    paused_until         timestamptz,
    created_at           timestamptz NOT NULL DEFAULT now(),
    updated_at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, endpoint_id),
    UNIQUE (tenant_id, url)
) WITH (fillfactor = 80);

CREATE TABLE webhook_messages (
    tenant_id  text NOT NULL REFERENCES tenants,
    message_id uuid NOT NULL,
    event_type text NOT NULL,
    job_id     uuid, -- the job that ended; a test has none
    body       text NOT NULL, -- what is signed, byte by byte
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, message_id)
);
CREATE INDEX webhook_messages_by_time ON webhook_messages (tenant_id, created_at);
CREATE INDEX webhook_messages_by_age ON webhook_messages (created_at);

CREATE TABLE webhook_deliveries (
    tenant_id   text NOT NULL,
    delivery_id uuid NOT NULL,
    message_id  uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    job_id      uuid NOT NULL,
    state       text NOT NULL DEFAULT 'pending'
                CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts    integer NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, delivery_id),
    UNIQUE (tenant_id, job_id),
    FOREIGN KEY (tenant_id, message_id) REFERENCES webhook_messages ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, endpoint_id) REFERENCES webhook_endpoints ON DELETE CASCADE
) WITH (fillfactor = 80);
CREATE INDEX webhook_deliveries_of_message ON webhook_deliveries (tenant_id, message_id);
CREATE INDEX webhook_deliveries_of_endpoint
    ON webhook_deliveries (tenant_id, endpoint_id, delivery_id);

CREATE TABLE webhook_attempts (
    tenant_id   text NOT NULL,
    delivery_id uuid NOT NULL,
    number      integer NOT NULL,
    started_at  timestamptz NOT NULL,
    duration_ms integer NOT NULL,
    status      integer, -- null where no answer came
    error       text NOT NULL DEFAULT '',
    answer      text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, delivery_id, number),
    FOREIGN KEY (tenant_id, delivery_id) REFERENCES webhook_deliveries ON DELETE CASCADE
);
"""

# UUIDv7 like the ids that Python makes: pages of jobs and deliveries sort by them.
NEW_ID = """
CREATE FUNCTION webhook_new_id() RETURNS uuid LANGUAGE sql VOLATILE
SET search_path = pg_catalog, public AS $$
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
            FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$
"""

# The one place that starts a delivery. What it writes into `jobs` is what the kind says in
# core/webhooks/deliver.py.
DELIVER = """
CREATE FUNCTION webhook_deliver(
    of_tenant text, of_message uuid, to_endpoint uuid, by_key text, by_roles text[],
    of_correlation text, of_trace text
) RETURNS uuid LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    delivery uuid := webhook_new_id();
    job uuid := webhook_new_id();
BEGIN
    INSERT INTO jobs (tenant_id, job_id, kind, kind_version, queue, payload, max_attempts,
        key_id, roles, correlation_id, traceparent)
    VALUES (of_tenant, job, 'webhooks.deliver', 1, 'webhooks',
        jsonb_build_object('delivery_id', delivery), 1000,
        by_key, by_roles, of_correlation, of_trace);
    INSERT INTO webhook_deliveries (tenant_id, delivery_id, message_id, endpoint_id, job_id)
    VALUES (of_tenant, delivery, of_message, to_endpoint, job);
    PERFORM pg_notify('howdah_jobs', 'webhooks');
    RETURN delivery;
END
$$
"""

# Runs whoever ends the job, and in his transaction. A tenant without endpoints pays for one look
# into an index. The lock keeps an endpoint that is being deleted from failing the job's end.
ANNOUNCE = f"""
CREATE FUNCTION webhook_announce_ended_job() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    event text := 'job.' || NEW.state;
    endpoints uuid[];
    message uuid;
    body text;
BEGIN
    SELECT array_agg(endpoint_id) INTO endpoints FROM (
        SELECT endpoint_id FROM webhook_endpoints
        WHERE tenant_id = NEW.tenant_id AND disabled_at IS NULL
        AND (event_types = '{{}}' OR event = ANY(event_types))
        AND (job_kinds = '{{}}' OR NEW.kind = ANY(job_kinds))
        FOR KEY SHARE
    ) AS wanting;
    IF endpoints IS NULL THEN
        RETURN NULL;
    END IF;
    body := webhook_body(event, NEW, NEW.result, NEW.error, false);
    IF octet_length(body) > {MOST_BODY_BYTES} THEN
        body := webhook_body(event, NEW, NULL, jsonb_build_object(
            'code', NEW.error->'code', 'reason', NEW.error->'reason',
            'message', left(NEW.error->>'message', {MOST_MESSAGE_CHARACTERS}),
            'retryable', NEW.error->'retryable'), true);
    END IF;
    message := webhook_new_id();
    INSERT INTO webhook_messages (tenant_id, message_id, event_type, job_id, body)
    VALUES (NEW.tenant_id, message, event, NEW.job_id, body);
    PERFORM webhook_deliver(NEW.tenant_id, message, endpoint, NEW.key_id, NEW.roles,
        NEW.correlation_id, NEW.traceparent) FROM unnest(endpoints) AS endpoint;
    RETURN NULL;
END
$$
"""

BODY = """
CREATE FUNCTION webhook_body(
    event text, ended jobs, result jsonb, error jsonb, truncated boolean
) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT json_build_object(
        'type', event,
        'timestamp', to_char(ended.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'data', json_build_object(
            'tenant_id', ended.tenant_id, 'job_id', ended.job_id, 'kind', ended.kind,
            'state', ended.state, 'result', result, 'file_id', ended.file_id,
            'error', CASE WHEN ended.error IS NULL THEN NULL ELSE error END,
            'correlation_id', ended.correlation_id, 'truncated', truncated)
    )::text
$$
"""

# However its job ends or comes back, the log of deliveries says the same.
FOLLOW = """
CREATE FUNCTION webhook_follow_delivery() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE webhook_deliveries SET finished_at = NEW.finished_at, state = CASE
        WHEN NEW.finished_at IS NULL THEN 'pending'
        WHEN NEW.state = 'succeeded' THEN 'delivered' ELSE 'failed' END
    WHERE tenant_id = NEW.tenant_id AND job_id = NEW.job_id;
    RETURN NULL;
END
$$
"""

TRIGGERS = """
CREATE TRIGGER webhook_of_ended_job AFTER UPDATE OF state ON jobs FOR EACH ROW
    WHEN (NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL
        AND NEW.kind <> 'webhooks.deliver')
    EXECUTE FUNCTION webhook_announce_ended_job();
CREATE TRIGGER webhook_of_delivery AFTER UPDATE OF state ON jobs FOR EACH ROW
    WHEN (NEW.kind = 'webhooks.deliver'
        AND (NEW.finished_at IS NULL) <> (OLD.finished_at IS NULL))
    EXECUTE FUNCTION webhook_follow_delivery();
"""

# Jobs also end as the system role, over all tenants; it sweeps old messages as well.
SYSTEM_RIGHTS = {
    "webhook_endpoints": "SELECT, UPDATE",
    "webhook_messages": "SELECT, INSERT, DELETE",
    "webhook_deliveries": "SELECT, INSERT, UPDATE",
    "webhook_attempts": "SELECT",
}


def upgrade() -> None:
    """Goes one release on."""
    op.execute(TABLES)
    for table, rights in SYSTEM_RIGHTS.items():
        keep_apart(table)
        op.execute(f"GRANT {rights} ON {table} TO howdah_system")
        op.execute(
            f"CREATE POLICY {table}_of_the_node ON {table} TO howdah_system"
            " USING (true) WITH CHECK (true)"
        )
    for statement in (NEW_ID, DELIVER, BODY, ANNOUNCE, FOLLOW, TRIGGERS):
        op.execute(statement)


def keep_apart(table: str) -> None:
    """Lets the app role see and write only rows of the tenant its transaction is bound to."""
    bound = "tenant_id = (SELECT NULLIF(current_setting('app.tenant_id', true), ''))"
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO howdah_app")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY {table}_of_the_tenant ON {table} TO howdah_app"
        f" USING ({bound}) WITH CHECK ({bound})"
    )


def downgrade() -> None:
    """Goes one release back."""
    op.execute("DROP TRIGGER webhook_of_ended_job ON jobs")
    op.execute("DROP TRIGGER webhook_of_delivery ON jobs")
    op.execute(
        "DROP FUNCTION webhook_announce_ended_job(), webhook_follow_delivery(),"
        " webhook_body(text, jobs, jsonb, jsonb, boolean),"
        " webhook_deliver(text, uuid, uuid, text, text[], text, text), webhook_new_id()"
    )
    # The owner of a table with forced row security sees no row of it.
    op.execute("ALTER TABLE jobs NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM jobs WHERE kind = 'webhooks.deliver'")
    op.execute("ALTER TABLE jobs FORCE ROW LEVEL SECURITY")
    op.execute(
        "DROP TABLE webhook_attempts, webhook_deliveries, webhook_messages, webhook_endpoints"
    )
