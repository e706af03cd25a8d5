"""Acts as the operator: for commands on the machine itself, and with a key kept beside the data."""

from __future__ import annotations

import json
import os
import time
import uuid
from pathlib import Path

from core.context import ALL_TENANTS, Context
from core.failures import RefusedError
from core.node.node import Node
from core.result import Err
from core.tenants.create_credential import NewCredential
from core.tenants.credential import principal

KEY_FILE = "operator.json"
# Long enough to watch an import, and no statement waits as long.
COMMAND_SECONDS = 3_600.0


def operator_context(tenant_id: str = "") -> Context:
    """Returns the context of a command; whoever may read the secrets key may do anything."""
    return Context(
        principal("command-line", [ALL_TENANTS], ["operator"]),
        tenant_id,
        str(uuid.uuid4()),
        time.monotonic() + COMMAND_SECONDS,
    )


def operator_key(node: Node) -> tuple[str, str]:
    """Returns key id and secret of the embedded node's own operator, made on first use.

    It is kept in the data directory, readable by its owner only, beside the key of all secrets.
    """
    path = node.settings.data_dir / KEY_FILE
    known = _read(path)
    if known is not None and _is_live(node, known[0]):
        return known
    wanted = NewCredential((ALL_TENANTS,), ("operator",), "the machine's own operator")
    issued = node.tenants.create_credential(operator_context(), wanted)
    if isinstance(issued, Err):
        raise RefusedError(issued.failure)
    key = issued.value.credential.key_id, issued.value.secret
    temporary = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump({"key_id": key[0], "secret": key[1]}, file)
    temporary.rename(path)
    return key


def _read(path: Path) -> tuple[str, str] | None:
    if not path.exists():
        return None
    values = json.loads(path.read_text("ascii"))
    return values["key_id"], values["secret"]


def _is_live(node: Node, key_id: str) -> bool:
    known = node.directory.credential(key_id)
    return known is not None and known.credential.revoked_at is None
