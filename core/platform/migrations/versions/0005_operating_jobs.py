"""Add what operators and workers need to watch over jobs."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes one release on."""
    # Empty for a worker of the release before, which does not tell them. `versions` has the latest
    # version of each kind that the worker can run; where it has none, that is the first.
    op.execute(
        "ALTER TABLE workers ADD COLUMN host text NOT NULL DEFAULT '',"
        " ADD COLUMN process_id integer NOT NULL DEFAULT 0,"
        " ADD COLUMN versions jsonb NOT NULL DEFAULT '{}'"
    )


def downgrade() -> None:
    """Goes one release back."""
    op.execute("ALTER TABLE workers DROP COLUMN host, DROP COLUMN process_id, DROP COLUMN versions")
