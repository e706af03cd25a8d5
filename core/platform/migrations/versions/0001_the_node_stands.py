"""Create tenants, credentials, records, files, jobs and idempotency, kept apart by row security."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NODE_TABLES = """
CREATE TABLE tenants (
    tenant_id    text PRIMARY KEY CHECK (tenant_id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    display_name text NOT NULL,
    time_zone    text NOT NULL,
    currency     text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    job_weight   integer NOT NULL DEFAULT 1 CHECK (job_weight BETWEEN 1 AND 1000),
    max_running_jobs integer CHECK (max_running_jobs > 0),
    jobs_paused_at timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE credentials (
    key_id            text PRIMARY KEY,
    description       text NOT NULL DEFAULT '',
    tenant_ids        text[] NOT NULL,
    roles             text[] NOT NULL,
    secret_ciphertext bytea NOT NULL,
    not_before        timestamptz NOT NULL DEFAULT now(),
    not_after         timestamptz,
    revoked_at        timestamptz,
    created_at        timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE issuer_keys (
    issuer_key_id          text PRIMARY KEY,
    public_key             bytea NOT NULL,
    private_key_ciphertext bytea NOT NULL,
    created_at             timestamptz NOT NULL DEFAULT now(),
    retired_at             timestamptz
);

CREATE TABLE workers (
    worker_id  text PRIMARY KEY,
    kinds      text[] NOT NULL,
    queues     text[] NOT NULL,
    slots      integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now()
);
"""

RECORD_TABLES = """
CREATE TABLE customers (
    tenant_id   text NOT NULL REFERENCES tenants,
    external_id text NOT NULL,
    name        text NOT NULL DEFAULT '',
    email       text NOT NULL DEFAULT '',
    country     text NOT NULL DEFAULT '',
    attributes  jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, external_id)
);

CREATE TABLE products (
    tenant_id  text NOT NULL REFERENCES tenants,
    sku        text NOT NULL,
    name       text NOT NULL DEFAULT '',
    category   text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, sku)
);

CREATE TABLE invoices (
    tenant_id            text NOT NULL REFERENCES tenants,
    number               text NOT NULL,
    customer_external_id text,
    issued_at            timestamptz NOT NULL,
    currency             text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    kind                 text NOT NULL CHECK (kind IN ('SALE', 'CREDIT_NOTE')),
    status               text NOT NULL CHECK (status IN ('DRAFT', 'OPEN', 'PAID', 'VOID')),
    country              text NOT NULL DEFAULT '',
    total_minor          bigint NOT NULL CHECK (total_minor >= 0),
    units                bigint NOT NULL CHECK (units > 0),
    import_source        uuid, -- file and mapping it was imported from last, if it was
    created_at           timestamptz NOT NULL DEFAULT now(),
    updated_at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, number),
    FOREIGN KEY (tenant_id, customer_external_id) REFERENCES customers (tenant_id, external_id)
);
CREATE INDEX invoices_by_time ON invoices (tenant_id, currency, issued_at);
CREATE INDEX invoices_by_customer ON invoices (tenant_id, customer_external_id, issued_at);

CREATE TABLE invoice_lines (
    tenant_id        text NOT NULL,
    invoice_number   text NOT NULL,
    line_number      integer NOT NULL,
    sku              text NOT NULL,
    description      text NOT NULL DEFAULT '',
    quantity         bigint NOT NULL CHECK (quantity > 0),
    unit_price_minor bigint NOT NULL CHECK (unit_price_minor >= 0),
    amount_minor     bigint NOT NULL CHECK (amount_minor >= 0),
    PRIMARY KEY (tenant_id, invoice_number, line_number),
    FOREIGN KEY (tenant_id, invoice_number) REFERENCES invoices (tenant_id, number)
                     ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, sku) REFERENCES products (tenant_id, sku)
);
CREATE INDEX invoice_lines_by_product ON invoice_lines (tenant_id, sku);
"""

WORK_TABLES = """
CREATE TABLE files (
    tenant_id  text NOT NULL REFERENCES tenants,
    file_id    uuid NOT NULL,
    kind       text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9-]{0,39}$'),
    state      text NOT NULL CHECK (state IN ('UPLOADING', 'READY')),
    filename   text NOT NULL,
    media_type text NOT NULL,
    path       text NOT NULL,
    size_bytes bigint NOT NULL DEFAULT 0,
    sha256     text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, file_id)
);
CREATE INDEX files_by_expiry ON files (expires_at);

CREATE TABLE jobs (
    tenant_id        text NOT NULL REFERENCES tenants,
    job_id           uuid NOT NULL,
    kind             text NOT NULL,
    kind_version     integer NOT NULL DEFAULT 1,
    queue            text NOT NULL,
    priority         text NOT NULL DEFAULT 'default'
                     CHECK (priority IN ('interactive', 'default', 'bulk')),
    state            text NOT NULL DEFAULT 'queued'
                     CHECK (state IN ('queued', 'dispatched', 'running', 'succeeded', 'failed',
                     'dead', 'cancelled', 'expired', 'quarantined')),
    payload          jsonb NOT NULL,
    run_at           timestamptz NOT NULL DEFAULT now(),
    expires_at       timestamptz,
    attempt          integer NOT NULL DEFAULT 0,
    max_attempts     integer NOT NULL,
    crash_count      integer NOT NULL DEFAULT 0,
    epoch            bigint NOT NULL DEFAULT 0,
    lease_until      timestamptz,
    worker_id        text,
    dispatched_at    timestamptz,
    progress         jsonb NOT NULL DEFAULT '{}',
    checkpoint       jsonb,
    result           jsonb,
    file_id          uuid,
    error            jsonb,
    sequence         bigint NOT NULL DEFAULT 1,
    cancel_requested_at timestamptz,
    key_id           text NOT NULL,
    roles            text[] NOT NULL,
    correlation_id   text NOT NULL,
    traceparent      text NOT NULL DEFAULT '',
    created_at       timestamptz NOT NULL DEFAULT now(),
    started_at       timestamptz,
    finished_at      timestamptz,
    PRIMARY KEY (tenant_id, job_id)
) WITH (fillfactor = 80);
-- The dispatcher jumps from line to line, one for a class and tenant, and reads the head of each.
CREATE INDEX jobs_waiting ON jobs (queue, priority, tenant_id, run_at, job_id)
    WHERE state = 'queued';
-- With the id, so that a planner without statistics cannot read a tenant's whole line for one job.
CREATE INDEX jobs_waiting_of_tenant ON jobs (tenant_id, job_id)
    WHERE state IN ('queued', 'dispatched');
CREATE INDEX jobs_expiring ON jobs (expires_at) WHERE state = 'queued' AND expires_at IS NOT NULL;
CREATE INDEX jobs_dispatched ON jobs (dispatched_at) WHERE state = 'dispatched';
-- Few jobs run at a time; an index on their leases would be written anew at every heartbeat.
CREATE INDEX jobs_running ON jobs (tenant_id, job_id) WHERE state = 'running';
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE import_rejections (
    tenant_id   text NOT NULL,
    job_id      uuid NOT NULL,
    row_number  bigint NOT NULL,
    column_name text NOT NULL,
    reason      text NOT NULL,
    row_text    text NOT NULL,
    PRIMARY KEY (tenant_id, job_id, row_number),
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs ON DELETE CASCADE
);

CREATE TABLE idempotency (
    tenant_id    text NOT NULL REFERENCES tenants,
    key_id       text NOT NULL,
    method       text NOT NULL,
    key          text NOT NULL,
    fingerprint  bytea NOT NULL,
    response     bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    PRIMARY KEY (tenant_id, key_id, method, key)
);
CREATE INDEX idempotency_by_age ON idempotency (completed_at);
"""

# An import brings a tenant from nothing to many rows in seconds; until autovacuum has looked, the
# planner would join them as if they were few. Only the owner may look, so the app role asks it to.
STATISTICS = """
CREATE FUNCTION refresh_statistics() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    ANALYZE (SKIP_LOCKED) customers, products, invoices, invoice_lines;
END
$$;
REVOKE ALL ON FUNCTION refresh_statistics() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION refresh_statistics() TO howdah_app;
"""

TENANT_TABLES = (
    "customers",
    "products",
    "invoices",
    "invoice_lines",
    "files",
    "jobs",
    "import_rejections",
    "idempotency",
)
# What the system role may do across tenants, and to which tables; to no others.
SYSTEM_RIGHTS = {
    "jobs": "SELECT, INSERT, UPDATE, DELETE",
    "files": "SELECT, DELETE",
    "idempotency": "SELECT, DELETE",
}


def upgrade() -> None:
    """Goes one release on."""
    op.execute(NODE_TABLES)
    op.execute(RECORD_TABLES)
    op.execute(WORK_TABLES)
    op.execute("GRANT USAGE ON SCHEMA public TO howdah_app, howdah_system")
    op.execute(STATISTICS)
    op.execute("GRANT SELECT ON howdah_migration TO howdah_app, howdah_system")
    for table in TENANT_TABLES:
        keep_apart(table)
    for table, rights in SYSTEM_RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO howdah_system")
        op.execute(
            f"CREATE POLICY {table}_of_the_node ON {table} TO howdah_system"
            " USING (true) WITH CHECK (true)"
        )
    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON tenants, credentials, issuer_keys, workers"
        " TO howdah_system"
    )
    # A call reads its own tenant's time zone and currency, and no other tenant's row.
    op.execute("GRANT SELECT ON tenants TO howdah_app")
    row_security("tenants")
    op.execute(
        "CREATE POLICY tenants_of_the_node ON tenants TO howdah_system"
        " USING (true) WITH CHECK (true)"
    )
    op.execute("ALTER TABLE idempotency ALTER COLUMN response SET STORAGE EXTERNAL")


def keep_apart(table: str) -> None:
    """Lets the app role see and write only rows of the tenant its transaction is bound to."""
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO howdah_app")
    row_security(table)


def row_security(table: str) -> None:
    """Switches row security on, for the owner too, with the one policy of the tenant."""
    bound = "tenant_id = (SELECT NULLIF(current_setting('app.tenant_id', true), ''))"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY {table}_of_the_tenant ON {table} TO howdah_app"
        f" USING ({bound}) WITH CHECK ({bound})"
    )


def downgrade() -> None:
    """Goes one release back."""
    op.execute("DROP FUNCTION refresh_statistics()")
    op.execute(
        "DROP TABLE idempotency, import_rejections, jobs, files, invoice_lines, invoices,"
        " products, customers, workers, issuer_keys, credentials, tenants"
    )
