"""Add batches, chains, unique jobs, known kinds and howdah.enqueue."""

from __future__ import annotations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes one release on."""


def downgrade() -> None:
    """Goes one release back."""
