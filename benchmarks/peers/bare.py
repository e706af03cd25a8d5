"""Is a bare grpcio server that echoes: the ceiling that the node's chain is measured against.

It is what grpcio's own quick start builds: the generated servicer, a ThreadPoolExecutor, no
interceptors; it takes the same messages and the same metadata as the node, and reads no metadata.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from howdah.node.v1 import node_pb2 as pb
from howdah.node.v1.node_pb2_grpc import NodeServiceServicer, add_NodeServiceServicer_to_server


class Echo(NodeServiceServicer):
    """Answers a ping with what the node would answer."""

    def Ping(self, request: pb.PingRequest, context: Any) -> pb.PingResponse:  # noqa: ARG002, N802
        """Echoes the message."""
        now = Timestamp()
        now.GetCurrentTime()
        return pb.PingResponse(
            message=request.message, tenant_id="acme", key_id="bench", server_time=now
        )

    def DescribeNode(  # noqa: N802
        self, request: pb.DescribeNodeRequest, context: Any
    ) -> pb.DescribeNodeResponse:
        """Is not called."""
        raise NotImplementedError


def main() -> None:
    """Serves until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", required=True)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--share-port", action="store_true")
    arguments = parser.parse_args()
    server = grpc.server(
        ThreadPoolExecutor(arguments.threads),
        options=[("grpc.so_reuseport", int(arguments.share_port))],
    )
    add_NodeServiceServicer_to_server(Echo(), server)
    server.add_insecure_port(arguments.address)
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
