"""Brings the schema to this release, once, however many nodes start together."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

HERE = Path(__file__).parent
LOCK = 4_807_526_976  # any number that nobody else locks
OWNER = "howdah_owner"
# Made here, so that it belongs to the owner and not to whoever migrates.
VERSION_TABLE = "CREATE TABLE IF NOT EXISTS howdah_migration (version_num varchar(32) PRIMARY KEY)"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE / "migrations"))
    return config


def newest_revision() -> str:
    """Returns the revision this release needs."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def migrate(url: str, revision: str = "head") -> None:
    """Upgrades (or, to an older revision, downgrades) the schema as its owner."""
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            connection.execute(sa.text(f"SET LOCAL ROLE {OWNER}"))
            connection.execute(sa.text(VERSION_TABLE))
            config = _config()
            config.attributes["connection"] = connection
            if revision == "base":
                command.downgrade(config, revision)
            else:
                command.upgrade(config, revision)
    finally:
        engine.dispose()


def current_revision(engine: sa.Engine) -> str | None:
    """Returns the revision the database is at, or None before the first migration."""
    with engine.connect() as connection:
        if connection.scalar(sa.text("SELECT to_regclass('howdah_migration')")) is None:
            return None
        revision: str | None = connection.scalar(
            sa.text("SELECT version_num FROM howdah_migration")
        )
        return revision
