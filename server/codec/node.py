"""Turns messages of the node about itself into queries, and answers into messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from google.protobuf.descriptor import ServiceDescriptor

from core.node.use_cases import NodeDescription, Pong
from howdah.node.v1 import node_pb2 as pb
from server.codec.common import timestamp


def nothing(_request: pb.DescribeNodeRequest) -> None:
    """Reads a query without anything to read."""


def message(request: pb.PingRequest) -> str:
    """Reads the text that is all there is to the request."""
    return request.message


def description(
    contracts: Sequence[ServiceDescriptor],
) -> Callable[[NodeDescription], pb.DescribeNodeResponse]:
    """Returns what writes a description, with the services that the server answers."""
    served = [
        pb.Contract(
            service=contract.full_name, methods=[method.name for method in contract.methods]
        )
        for contract in contracts
    ]

    def write(value: NodeDescription) -> pb.DescribeNodeResponse:
        return pb.DescribeNodeResponse(
            version=value.version,
            audience=value.audience,
            contracts=served,
            queues=[pb.Queue(name=name, kinds=kinds) for name, kinds in value.queues.items()],
            limits=value.limits,
            server_time=timestamp(value.server_time),
        )

    return write


def pong(value: Pong) -> pb.PingResponse:
    """Writes an answer."""
    return pb.PingResponse(
        message=value.message,
        tenant_id=value.tenant_id,
        key_id=value.key_id,
        server_time=timestamp(value.server_time),
    )
