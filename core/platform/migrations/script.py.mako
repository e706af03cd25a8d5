"""${message}."""

from __future__ import annotations

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes one release on."""
    ${upgrades if upgrades else "raise NotImplementedError"}


def downgrade() -> None:
    """Goes one release back."""
    ${downgrades if downgrades else "raise NotImplementedError"}
