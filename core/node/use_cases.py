"""Names what a caller can ask the node about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from core.config import Settings
from core.context import Context
from core.jobs.kind import JobKind
from core.result import Ok, Result


@dataclass(frozen=True, slots=True)
class NodeDescription:
    """Says what the node is; `queues` holds the kinds of jobs by queue."""

    version: str
    audience: str
    queues: Mapping[str, tuple[str, ...]]
    limits: Mapping[str, int]
    server_time: datetime


@dataclass(frozen=True, slots=True)
class Pong:
    """Says what the node took the caller for."""

    message: str
    tenant_id: str
    key_id: str
    server_time: datetime


@dataclass(frozen=True, slots=True)
class DescribeNode:
    """Describes the node."""

    version: str
    settings: Settings
    kinds: Mapping[str, JobKind]

    def __call__(self, _context: Context, _query: None) -> Result[NodeDescription]:
        """Returns the description."""
        queues: dict[str, tuple[str, ...]] = dict.fromkeys(self.settings.worker_queues, ())
        for kind in self.kinds.values():
            queues[kind.queue] = (*queues.get(kind.queue, ()), kind.name)
        return Ok(
            NodeDescription(
                self.version,
                self.settings.audience,
                queues,
                self.settings.limits(),
                datetime.now(UTC),
            )
        )


@dataclass(frozen=True, slots=True)
class Ping:
    """Answers with the caller's own words."""

    def __call__(self, context: Context, message: str) -> Result[Pong]:
        """Returns the answer; no database is asked."""
        return Ok(Pong(message, context.tenant_id, context.principal.key_id, datetime.now(UTC)))


@dataclass(frozen=True, slots=True)
class NodeUseCases:
    """Holds the use cases of this noun."""

    describe: DescribeNode
    ping: Ping


def node_use_cases(version: str, settings: Settings, kinds: Mapping[str, JobKind]) -> NodeUseCases:
    """Joins the use cases with what they need."""
    return NodeUseCases(DescribeNode(version, settings, kinds), Ping())
