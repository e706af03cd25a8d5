"""Find the jobs that did not succeed without reading the many that did."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes one release on."""
    # Replays and lists of dead jobs go by id; all jobs of the tenant that are kept are many.
    op.execute(
        "CREATE INDEX jobs_retryable ON jobs (tenant_id, job_id)"
        " WHERE state IN ('failed', 'dead', 'cancelled', 'expired', 'quarantined')"
    )


def downgrade() -> None:
    """Goes one release back."""
    op.execute("DROP INDEX jobs_retryable")
