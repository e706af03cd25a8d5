"""Add what operators and workers need to watch over jobs."""

from __future__ import annotations

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes one release on."""


def downgrade() -> None:
    """Goes one release back."""
