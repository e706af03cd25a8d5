"""Answers the calls of NodeService."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.descriptor import ServiceDescriptor

from core.node.use_cases import NodeUseCases
from howdah.node.v1 import node_pb2 as pb
from server.codec import node as codec
from server.service import Service, Unary

DESCRIPTOR = pb.DESCRIPTOR.services_by_name["NodeService"]


def node_service(node: NodeUseCases, others: Sequence[ServiceDescriptor]) -> Service:
    """Returns the table of the service; `others` are the services beside it."""
    contracts = sorted([DESCRIPTOR, *others], key=lambda contract: contract.full_name)
    return Service(
        DESCRIPTOR,
        {
            "DescribeNode": Unary(codec.nothing, node.describe, codec.description(contracts)),
            "Ping": Unary(codec.message, node.ping, codec.pong),
        },
    )
