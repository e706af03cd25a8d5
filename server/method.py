"""Knows one method of the contract: its path, its policy and its messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from howdah.policy.v1 import policy_pb2

Policy: TypeAlias = policy_pb2.MethodPolicy


@dataclass(frozen=True, slots=True)
class RpcMethod:
    """Is one method with what its policy says, read from the descriptor once."""

    service: str
    name: str
    path: str
    streams: bool
    waits: bool
    request: type[Message]
    permission: str
    tenant_bound: bool
    mutates: bool
    cost: int
    default_deadline_seconds: float
    max_deadline_seconds: float
    idempotency: policy_pb2.Idempotency.ValueType


def rpc_method(descriptor: MethodDescriptor) -> RpcMethod:
    """Returns the method; raises ValueError where its policy says too little to serve it safely."""
    policy: Policy = descriptor.GetOptions().Extensions[policy_pb2.method]
    path = f"/{descriptor.containing_service.full_name}/{descriptor.name}"
    if (
        not policy.permission
        or not policy.scope
        or not policy.idempotency
        or not 0 < policy.default_deadline_ms <= policy.max_deadline_ms
    ):
        message = f"{path} has no complete policy"
        raise ValueError(message)
    return RpcMethod(
        service=descriptor.containing_service.full_name,
        name=descriptor.name,
        path=path,
        streams=descriptor.server_streaming,
        waits=descriptor.server_streaming or policy.waits,
        request=GetMessageClass(descriptor.input_type),
        permission=policy.permission,
        tenant_bound=policy.scope == policy_pb2.SCOPE_TENANT,
        mutates=policy.mutates,
        cost=policy.cost or 1,
        default_deadline_seconds=policy.default_deadline_ms / 1000,
        max_deadline_seconds=policy.max_deadline_ms / 1000,
        idempotency=policy.idempotency,
    )
