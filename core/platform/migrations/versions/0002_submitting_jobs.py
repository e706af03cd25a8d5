"""Add batches, chains, unique jobs, known kinds and howdah.enqueue."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ENQUEUE = Path(__file__).parent / "0002_enqueue.sql"

JOBS = """
ALTER TABLE jobs
    DROP CONSTRAINT jobs_state_check,
    ADD CONSTRAINT jobs_state_check CHECK (state IN ('held', 'queued', 'dispatched', 'running',
        'succeeded', 'failed', 'dead', 'cancelled', 'expired', 'quarantined')),
    ADD COLUMN next_job_id uuid,  -- step of a chain that waits for this one to succeed
    ADD COLUMN batch_id    uuid,  -- batch it counts in
    ADD COLUMN unique_key  text,
    -- Of a held job: they begin when it is let go.
    ADD COLUMN held_delay  interval,
    ADD COLUMN held_expiry interval;
DROP INDEX jobs_waiting_of_tenant;
CREATE INDEX jobs_waiting_of_tenant ON jobs (tenant_id, job_id)
    WHERE state IN ('held', 'queued', 'dispatched');
CREATE INDEX jobs_held ON jobs (tenant_id, job_id) WHERE state = 'held';
CREATE INDEX jobs_next ON jobs (tenant_id, next_job_id) WHERE next_job_id IS NOT NULL;
CREATE INDEX jobs_of_batch ON jobs (tenant_id, batch_id, job_id) WHERE batch_id IS NOT NULL;
CREATE UNIQUE INDEX jobs_unique ON jobs (tenant_id, kind, unique_key)
    WHERE unique_key IS NOT NULL AND state IN ('held', 'queued', 'dispatched', 'running');
"""

BATCHES = """
CREATE TABLE batches (
    tenant_id       text NOT NULL REFERENCES tenants,
    batch_id        uuid NOT NULL,
    total           integer NOT NULL,
    open            integer NOT NULL,
    succeeded       integer NOT NULL DEFAULT 0,
    failed          integer NOT NULL DEFAULT 0,
    dead            integer NOT NULL DEFAULT 0,
    cancelled       integer NOT NULL DEFAULT 0,
    expired         integer NOT NULL DEFAULT 0,
    quarantined     integer NOT NULL DEFAULT 0,
    callback_job_id uuid,
    created_at      timestamptz NOT NULL DEFAULT now(),
    finished_at     timestamptz,
    PRIMARY KEY (tenant_id, batch_id)
) WITH (fillfactor = 50);
CREATE INDEX batches_by_callback ON batches (tenant_id, callback_job_id)
    WHERE callback_job_id IS NOT NULL;
CREATE INDEX batches_finished ON batches (finished_at) WHERE finished_at IS NOT NULL;
"""

# Whichever path ends a job, this follows in its transaction. It is deferred to the commit, so that
# the row of a batch is locked for a moment only, and always after the rows of its jobs.
CROSSING = """
CREATE FUNCTION let_job_go(tenant text, id uuid) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, public AS $$
    WITH gone AS (
        UPDATE jobs SET state = 'queued', sequence = sequence + 1,
            run_at = GREATEST(run_at, clock_timestamp() + COALESCE(held_delay, '0')),
            expires_at = clock_timestamp() + held_expiry
        WHERE tenant_id = tenant AND job_id = id AND state = 'held'
        RETURNING tenant_id, job_id, queue
    )
    SELECT pg_notify('howdah_jobs', queue),
        pg_notify('howdah_job_changed', tenant_id || '/' || job_id) FROM gone
$$;

CREATE FUNCTION cancel_held_job(tenant text, id uuid) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, public AS $$
    WITH gone AS (
        UPDATE jobs SET state = 'cancelled', finished_at = clock_timestamp(),
            sequence = sequence + 1, error = jsonb_build_object(
                'code', 'FAILED_PRECONDITION', 'reason', 'JOB_CHAIN_BROKEN',
                'message', 'The job before this one was cancelled or is gone.',
                'retryable', false, 'retry_after_ms', 0, 'fields', '[]'::jsonb,
                'metadata', '{}'::jsonb, 'correlation_id', correlation_id)
        WHERE tenant_id = tenant AND job_id = id AND state = 'held'
        RETURNING tenant_id, job_id
    )
    SELECT pg_notify('howdah_job_changed', tenant_id || '/' || job_id) FROM gone
$$;

CREATE FUNCTION hold_job_again(tenant text, id uuid) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, public AS $$
    WITH gone AS (
        UPDATE jobs SET state = 'held', finished_at = NULL, error = NULL, sequence = sequence + 1
        WHERE tenant_id = tenant AND job_id = id AND state = 'cancelled'
        AND error->>'reason' = 'JOB_CHAIN_BROKEN'
        RETURNING tenant_id, job_id
    )
    SELECT pg_notify('howdah_job_changed', tenant_id || '/' || job_id) FROM gone
$$;

CREATE FUNCTION job_crossed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    ended constant boolean := NEW.finished_at IS NOT NULL;
    step constant integer := CASE WHEN ended THEN 1 ELSE -1 END;
    counted constant text := CASE WHEN ended THEN NEW.state ELSE OLD.state END;
    callback uuid;
BEGIN
    IF NEW.next_job_id IS NOT NULL THEN
        CASE
            WHEN NOT ended THEN PERFORM hold_job_again(NEW.tenant_id, NEW.next_job_id);
            WHEN NEW.state = 'succeeded' THEN PERFORM let_job_go(NEW.tenant_id, NEW.next_job_id);
            WHEN NEW.state = 'cancelled' THEN
                PERFORM cancel_held_job(NEW.tenant_id, NEW.next_job_id);
            ELSE NULL; -- The rest waits for somebody to retry this one.
        END CASE;
    END IF;
    IF NEW.batch_id IS NOT NULL THEN
        UPDATE batches SET open = open - step,
            succeeded = succeeded + CASE counted WHEN 'succeeded' THEN step ELSE 0 END,
            failed = failed + CASE counted WHEN 'failed' THEN step ELSE 0 END,
            dead = dead + CASE counted WHEN 'dead' THEN step ELSE 0 END,
            cancelled = cancelled + CASE counted WHEN 'cancelled' THEN step ELSE 0 END,
            expired = expired + CASE counted WHEN 'expired' THEN step ELSE 0 END,
            quarantined = quarantined + CASE counted WHEN 'quarantined' THEN step ELSE 0 END,
            finished_at = CASE WHEN open = step THEN clock_timestamp() END
        WHERE tenant_id = NEW.tenant_id AND batch_id = NEW.batch_id
        RETURNING CASE WHEN open = 0 THEN callback_job_id END INTO callback;
        PERFORM let_job_go(NEW.tenant_id, callback) WHERE callback IS NOT NULL;
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER jobs_crossed AFTER UPDATE OF state ON jobs
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((NEW.next_job_id IS NOT NULL OR NEW.batch_id IS NOT NULL)
        AND (OLD.finished_at IS NULL) <> (NEW.finished_at IS NULL))
    EXECUTE FUNCTION job_crossed();
"""

# What the workers say of themselves, for howdah.enqueue to go by.
KINDS = """
CREATE TABLE job_kinds (
    name         text PRIMARY KEY,
    version      integer NOT NULL,
    queue        text NOT NULL,
    priority     text NOT NULL,
    max_attempts integer NOT NULL,
    open         boolean NOT NULL -- whether callers may submit it
);
CREATE TABLE job_limits (
    only_row                    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    max_waiting_jobs_per_tenant integer NOT NULL,
    max_job_payload_bytes       integer NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON job_kinds, job_limits TO howdah_system;
"""

# howdah.enqueue runs as the owner, whom row security binds as well.
TABLES_OF_ENQUEUE = ("tenants", "jobs", "idempotency")

BOUND = "tenant_id = (SELECT NULLIF(current_setting('app.tenant_id', true), ''))"


def upgrade() -> None:
    """Goes one release on."""
    op.execute(JOBS)
    op.execute(BATCHES)
    op.execute(
        "ALTER TABLE batches ENABLE ROW LEVEL SECURITY;"
        " ALTER TABLE batches FORCE ROW LEVEL SECURITY;"
        " GRANT SELECT, INSERT, UPDATE ON batches TO howdah_app;"
        " GRANT SELECT, INSERT, UPDATE, DELETE ON batches TO howdah_system;"
        f" CREATE POLICY batches_of_the_tenant ON batches TO howdah_app"
        f" USING ({BOUND}) WITH CHECK ({BOUND});"
        " CREATE POLICY batches_of_the_node ON batches TO howdah_system"
        " USING (true) WITH CHECK (true)"
    )
    op.execute(CROSSING)
    op.execute(KINDS)
    for table in TABLES_OF_ENQUEUE:
        op.execute(
            f"CREATE POLICY {table}_of_enqueue ON {table} TO howdah_owner"
            f" USING ({BOUND}) WITH CHECK ({BOUND})"
        )
    # Past SQLAlchemy, to which its colons would be placeholders.
    op.get_bind().exec_driver_sql(ENQUEUE.read_text("utf-8").replace("%", "%%"))


def downgrade() -> None:
    """Goes one release back; jobs that are held are cancelled."""
    op.execute("DROP SCHEMA howdah CASCADE")
    for table in TABLES_OF_ENQUEUE:
        op.execute(f"DROP POLICY {table}_of_enqueue ON {table}")
    op.execute("DROP TRIGGER jobs_crossed ON jobs")
    op.execute("DROP FUNCTION job_crossed, let_job_go, cancel_held_job, hold_job_again")
    op.execute("DROP TABLE batches, job_kinds, job_limits")
    op.execute("ALTER TABLE jobs NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE state = 'held'")
    op.execute("ALTER TABLE jobs FORCE ROW LEVEL SECURITY")
    op.execute(
        "DROP INDEX jobs_waiting_of_tenant, jobs_held, jobs_next, jobs_of_batch, jobs_unique;"
        " ALTER TABLE jobs DROP CONSTRAINT jobs_state_check,"
        " ADD CONSTRAINT jobs_state_check CHECK (state IN ('queued', 'dispatched', 'running',"
        " 'succeeded', 'failed', 'dead', 'cancelled', 'expired', 'quarantined')),"
        " DROP COLUMN next_job_id, DROP COLUMN batch_id, DROP COLUMN unique_key,"
        " DROP COLUMN held_delay, DROP COLUMN held_expiry;"
        " CREATE INDEX jobs_waiting_of_tenant ON jobs (tenant_id, job_id)"
        " WHERE state IN ('queued', 'dispatched')"
    )
