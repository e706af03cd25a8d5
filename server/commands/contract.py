"""Finds methods of the contract: from the node by reflection, or from the contract built in."""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from howdah.analytics.v1 import analytics_pb2
from howdah.documents.v1 import documents_pb2
from howdah.files.v1 import files_pb2
from howdah.jobs.v1 import jobs_pb2
from howdah.node.v1 import node_pb2
from howdah.records.v1 import records_pb2
from howdah.tenants.v1 import tenants_pb2

BUILT_IN = (
    *(analytics_pb2, documents_pb2, files_pb2, jobs_pb2),
    *(node_pb2, records_pb2, tenants_pb2),
)


class UnknownMethodError(Exception):
    """Says which methods there are."""


@dataclass(frozen=True, slots=True)
class ContractMethod:
    """Is one method with the classes of its messages."""

    path: str
    streams: bool
    request: type[Message]
    response: type[Message]


def reflected(channel: grpc.Channel) -> list[ServiceDescriptor]:
    """Returns the node's services; an empty list where reflection is switched off."""
    database = ProtoReflectionDescriptorDatabase(channel)
    pool = descriptor_pool.DescriptorPool(database)
    try:
        names = [name for name in database.get_services() if name.startswith("howdah.")]
    except grpc.RpcError as fault:
        # grpcio's stubs do not know that what it raises is a Call as well.
        if fault.code() is grpc.StatusCode.UNIMPLEMENTED:
            return []
        raise
    return [pool.FindServiceByName(name) for name in names]


def built_in() -> list[ServiceDescriptor]:
    """Returns the services of this release's own contract."""
    return [
        service for module in BUILT_IN for service in module.DESCRIPTOR.services_by_name.values()
    ]


def find_method(services: list[ServiceDescriptor], name: str) -> ContractMethod:
    """Returns the method by its path, by `JobsService/GetJob`, or by `GetJob` alone."""
    wanted = name.strip("/").replace(".", "/")
    known = {
        f"{service.full_name}/{method.name}": method
        for service in services
        for method in service.methods
    }
    found = [
        path for path in known if f"/{path.replace('.', '/')}".endswith(f"/{wanted}") and wanted
    ]
    if len(found) != 1:
        listed = "\n  ".join(sorted(found or known))
        problem = "is not clear" if found else "is unknown"
        raise UnknownMethodError(f"The method {name!r} {problem}. There are:\n  {listed}")
    return _method(known[found[0]])


def _method(method: MethodDescriptor) -> ContractMethod:
    return ContractMethod(
        path=f"/{method.containing_service.full_name}/{method.name}",
        streams=method.server_streaming,
        request=message_factory.GetMessageClass(method.input_type),
        response=message_factory.GetMessageClass(method.output_type),
    )
