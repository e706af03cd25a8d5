"""Lets other commands on the machine find the embedded node that `howdah up` runs."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.config import Settings, load_settings
from core.platform.embedded import EmbeddedServers, embedded_secrets_key

NODE_FILE = "node.json"
LOCK_FILE = "node.lock"


class NodeFileError(Exception):
    """Says why no running node is found."""


class NodeRunsError(Exception):
    """Says that another node has the data directory."""


@dataclass(frozen=True, slots=True)
class RunningNode:
    """Is what a command needs to know of the node; the file is readable by its owner only."""

    pid: int
    grpc_address: str
    admin_address: str
    database_url: str
    system_database_url: str
    migrator_database_url: str
    redis_url: str


@contextmanager
def only_node(data_dir: Path) -> Iterator[None]:
    """Holds the data directory for one node; raises NodeRunsError where another has it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / LOCK_FILE).open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NodeRunsError(
                f"another node runs on {data_dir}: stop it, or choose another HOWDAH_DATA_DIR"
            ) from None
        try:
            yield
        finally:
            (data_dir / NODE_FILE).unlink(missing_ok=True)


def write_node_file(data_dir: Path, node: RunningNode) -> None:
    """Writes the file; it appears whole."""
    temporary = data_dir / f"{NODE_FILE}.tmp"
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(node), file, indent=1)
    temporary.rename(data_dir / NODE_FILE)


def find_node(data_dir: Path) -> RunningNode:
    """Returns the node that runs on the directory; raises NodeFileError where none does."""
    path = data_dir / NODE_FILE
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise NodeFileError(
            f"no node runs on {data_dir}: start one with `howdah up`, or name its servers with"
            " HOWDAH_DATABASE_URL and its companions"
        ) from None
    except PermissionError:
        raise NodeFileError(f"{path} can only be read by the user who runs the node") from None
    node = RunningNode(**json.loads(text))
    if not _is_held(data_dir / LOCK_FILE):
        raise NodeFileError(
            f"{path} names process {node.pid}, which is gone: start the node with `howdah up`"
        )
    return node


def _is_held(lock: Path) -> bool:
    """Tells whether a node holds the lock; unlike its process id, that cannot be reused."""
    with suppress(FileNotFoundError), lock.open("r", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def settings_of_node() -> Settings:
    """Returns the settings with what the running embedded node chose by itself."""
    settings = load_settings()
    if not settings.embedded:
        return settings
    node = find_node(settings.data_dir)
    servers = EmbeddedServers(
        node.database_url, node.system_database_url, node.migrator_database_url, node.redis_url
    )
    return load_settings(
        **embedded_overrides(settings.data_dir, servers),
        grpc_address=node.grpc_address,
        admin_address=node.admin_address,
    )


def embedded_overrides(data_dir: Path, servers: EmbeddedServers) -> dict[str, Any]:
    """Returns the settings that name embedded servers."""
    return {**asdict(servers), "secrets_key": embedded_secrets_key(data_dir)}
