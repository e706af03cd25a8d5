"""Add schedules and their fires."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE schedules (
    tenant_id    text NOT NULL REFERENCES tenants,
    schedule_id  text NOT NULL CHECK (schedule_id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    cron         text NOT NULL,
    time_zone    text NOT NULL,
    kind         text NOT NULL,
    payload      jsonb NOT NULL,
    catch_up     text NOT NULL CHECK (catch_up IN ('skip', 'once', 'all')),
    max_catch_up integer NOT NULL CHECK (max_catch_up > 0),
    overlap      text NOT NULL CHECK (overlap IN ('skip', 'queue')),
    paused_at    timestamptz,
    next_fire_at timestamptz, -- null while paused, and where no fire will come
    due_at       timestamptz, -- next_fire_at; later where the fire was refused and is held
    key_id       text NOT NULL,
    roles        text[] NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, schedule_id),
    CHECK ((next_fire_at IS NULL) = (due_at IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX schedules_due ON schedules (due_at) WHERE due_at IS NOT NULL;

-- The key makes double firing impossible, whatever the schedulers do.
CREATE TABLE schedule_fires (
    tenant_id   text NOT NULL,
    schedule_id text NOT NULL,
    fire_time   timestamptz NOT NULL,
    result      text NOT NULL CHECK (result IN ('submitted', 'overlapped', 'missed')),
    manual      boolean NOT NULL DEFAULT false,
    job_id      uuid, -- where submitted; the job may be swept by now
    open        boolean NOT NULL DEFAULT false, -- the job is not known to have ended
    fired_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, schedule_id, fire_time),
    FOREIGN KEY (tenant_id, schedule_id) REFERENCES schedules ON DELETE CASCADE
);
CREATE INDEX schedule_fires_open ON schedule_fires (tenant_id, schedule_id) WHERE open;
CREATE INDEX schedule_fires_by_age ON schedule_fires (fired_at);
"""

# The scheduler finds what is due across tenants, and fires it bound to the tenant.
SYSTEM_RIGHTS = {"schedules": "SELECT", "schedule_fires": "SELECT, DELETE"}


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
    op.execute("DROP TABLE schedule_fires, schedules")
