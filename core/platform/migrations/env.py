"""Runs the migrations on the connection that `core.platform.migrate` hands over."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"], version_table="howdah_migration"
)
with context.begin_transaction():
    context.run_migrations()
