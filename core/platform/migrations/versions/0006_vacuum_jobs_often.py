"""Have Postgres clean up after jobs often: each leaves three dead rows on its way."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The dispatcher steps over what is dead in the index of waiting jobs. By default that is cleaned up
# when a fifth of the table is dead, which is never where a million ended jobs are kept.
SETTINGS = {
    "autovacuum_vacuum_threshold": "5000",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_analyze_threshold": "5000",
    "autovacuum_analyze_scale_factor": "0.05",
}


def upgrade() -> None:
    """Goes one release on."""
    settings = ", ".join(f"{name} = {value}" for name, value in SETTINGS.items())
    op.execute(f"ALTER TABLE jobs SET ({settings})")


def downgrade() -> None:
    """Goes one release back."""
    op.execute(f"ALTER TABLE jobs RESET ({', '.join(SETTINGS)})")
