"""Runs a method of the contract here, as the operator, without going through gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from google.protobuf.message import Message

from core.bootstrap import open_node
from core.failures import FieldViolation, fields_invalid, not_found
from core.node.node import Node
from core.result import Err
from server.commands.output import faults_in_words, refused
from server.node_file import settings_of_node
from server.operator import operator_context
from server.service import Service, Stream
from server.validation import Validator


@contextmanager
def running_node(tenant_id: str = "") -> Iterator[Node]:
    """Yields the use cases on the servers of the node that runs here, or that settings name.

    Ends the command where there is no such tenant, as the server would refuse the call.
    """
    with faults_in_words(), open_node(settings_of_node()) as node:
        if tenant_id and node.directory.tenant(tenant_id) is None:
            raise refused(not_found("tenant", tenant_id))
        yield node


def ask(service: Service, method: str, request: Message, tenant_id: str = "") -> Any:
    """Answers a request of the contract here, by the same rules, decoding and use case as an RPC.

    Returns the response, or an iterator of responses for a streaming method.
    """
    entry = service.methods[method]
    found: list[FieldViolation] = []
    Validator().compile(type(request))(request, "", found)
    if found:
        raise refused(fields_invalid(found))
    result = entry.call(operator_context(tenant_id), entry.decode(request))
    if isinstance(result, Err):
        raise refused(result.failure)
    if isinstance(entry, Stream):
        return map(entry.encode, result.value)
    return entry.encode(result.value)
