"""Add schedules and their fires."""

from __future__ import annotations

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes one release on."""


def downgrade() -> None:
    """Goes one release back."""
