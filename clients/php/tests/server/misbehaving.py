"""A gRPC server that does on request what a client must survive; prints its addresses as one JSON line."""

import base64
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent import futures
from pathlib import Path

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from howdah.files.v1 import files_pb2
from howdah.jobs.v1 import jobs_pb2
from howdah.node.v1 import node_pb2

SECRET = bytes.fromhex(os.environ.get("MISBEHAVING_SECRET", "00" * 32))
MAX_BYTES = 32 * 1024 * 1024
MAX_RECEIVE_BYTES = int(os.environ.get("MISBEHAVING_MAX_RECEIVE_BYTES", MAX_BYTES))
seen: Counter[str] = Counter()
cancelled: set[str] = set()


def rich_status(code: int, message: str, *details) -> status_pb2.Status:
    """Pack details the way the node does."""
    packed = []
    for detail in details:
        boxed = any_pb2.Any()
        boxed.Pack(detail)
        packed.append(boxed)
    return status_pb2.Status(code=code, message=message, details=packed)


def abort(context, code: grpc.StatusCode, message: str, *details, metadata=()) -> None:
    """End the call with details in the trailers."""
    status = rich_status(code.value[0], message, *details)
    context.set_trailing_metadata(
        (("grpc-status-details-bin", status.SerializeToString()), *metadata)
    )
    context.abort(code, message)


def canonical(context_metadata: dict, path: str, body: bytes) -> str:
    """Join what the HMAC covers, written anew from the contract's text."""
    return "\n".join(
        (
            "HOWDAH-HMAC-SHA256",
            context_metadata.get("x-internal-key-id", ""),
            context_metadata.get("x-internal-timestamp", ""),
            context_metadata.get("x-internal-nonce", ""),
            "howdah",
            path,
            context_metadata.get("x-tenant-id", ""),
            context_metadata.get("x-correlation-id", ""),
            hashlib.sha256(body).hexdigest(),
        )
    )


def metadata_of(context) -> dict:
    return {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}


def ping(body: bytes, context) -> bytes:
    """Do what the text asks for: `verb` or `verb:argument`."""
    text = node_pb2.PingRequest.FromString(body).message
    verb, _, argument = text.partition(":")
    seen[text] += 1
    answer = text
    metadata = metadata_of(context)
    match verb:
        case "metadata":
            pairs = [
                [k, base64.b64encode(v).decode() if isinstance(v, bytes) else v]
                for k, v in context.invocation_metadata()
            ]
            context.send_initial_metadata(
                (("x-many", "one"), ("x-many", "two"), ("x-blob-bin", b"\x00\xff\n"))
            )
            context.set_trailing_metadata((("x-end", "a"), ("x-end", "b"), ("x-end-bin", b"\x01\x02")))
            answer = json.dumps(pairs)
        case "signature":
            wanted = canonical(metadata, "/howdah.node.v1.NodeService/Ping", body)
            mac = "v1=" + hmac.new(SECRET, wanted.encode(), hashlib.sha256).hexdigest()
            if not hmac.compare_digest(mac, metadata.get("x-internal-signature", "")):
                abort(context, grpc.StatusCode.UNAUTHENTICATED, "The call could not be authenticated.")
            answer = wanted
        case "sleep":
            time.sleep(float(argument))
        case "late":
            context.send_initial_metadata((("x-early", "yes"),))
            time.sleep(float(argument))
        case "remaining":
            answer = str(context.time_remaining())
        case "refuse":
            abort(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "Two fields are wrong.",
                error_details_pb2.ErrorInfo(
                    reason="FIELDS_INVALID", domain="howdah", metadata={"count": "2", "first": "start_date"}
                ),
                error_details_pb2.BadRequest(
                    field_violations=[
                        error_details_pb2.BadRequest.FieldViolation(field="start_date", description="is no date"),
                        error_details_pb2.BadRequest.FieldViolation(field="end_date", description="fehlt für „März“"),
                    ]
                ),
                error_details_pb2.RequestInfo(request_id=metadata.get("x-correlation-id", "")),
            )
        case "percent":
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "100% Zażółć\ngęślą jaźń 🐘")
        case "status":
            context.abort(next(c for c in grpc.StatusCode if c.value[0] == int(argument)), "as asked")
        case "flaky":
            # flaky:<failures>:<code>:<retry ms>:<pushback>:<name>
            failures, code, retry_ms, pushback, _name = argument.split(":")
            if seen[text] <= int(failures):
                details = []
                if retry_ms:
                    details.append(
                        error_details_pb2.RetryInfo(
                            retry_delay=duration_pb2.Duration(nanos=int(retry_ms) * 1_000_000)
                        )
                    )
                trailers = [("grpc-retry-pushback-ms", pushback)] if pushback else []
                status = next(c for c in grpc.StatusCode if c.value[0] == int(code))
                abort(context, status, "not yet", *details, metadata=trailers)
            answer = str(seen[text])
        case "seen":
            answer = str(seen[argument])
        case "cancelled":
            answer = str(argument in cancelled)
        case "big":
            answer = "x" * int(argument)
        case "length":
            answer = str(len(text))
        case "gzip":
            context.set_compression(grpc.Compression.Gzip)
            answer = "z" * int(argument)
        case "pid":
            answer = str(os.getpid())
        case "peer":
            answer = context.peer()
        case "die":
            os._exit(9)
    return node_pb2.PingResponse(
        message=answer,
        tenant_id=metadata.get("x-tenant-id", ""),
        key_id=metadata.get("x-internal-key-id", ""),
    ).SerializeToString()


def describe(body: bytes, context) -> bytes:
    return node_pb2.DescribeNodeResponse(version="misbehaving", limits={"b": 2, "a": 1}).SerializeToString()


def watch(body: bytes, context):
    """Stream jobs: `count:N:seconds`, `fail:N:code`, `die:N`, `wide:N:bytes`, `flaky:N:name`."""
    request = jobs_pb2.WatchJobRequest.FromString(body)
    verb, *arguments = request.job_id.split(":")
    seen[request.job_id] += 1
    context.add_callback(lambda: cancelled.add(request.job_id) if not done else None)
    done = False
    count = int(arguments[0]) if arguments else 0
    if verb == "flaky" and seen[request.job_id] <= count:
        abort(context, grpc.StatusCode.UNAVAILABLE, "not yet")
    for number in range(count):
        job = jobs_pb2.Job(job_id=request.job_id, sequence=number + 1)
        if verb == "wide":
            job.progress.message = "w" * int(arguments[1])
        yield jobs_pb2.WatchJobResponse(job=job).SerializeToString()
        if verb == "count" and len(arguments) > 1:
            time.sleep(float(arguments[1]))
    if verb == "fail":
        abort(context, next(c for c in grpc.StatusCode if c.value[0] == int(arguments[1])), "half-way")
    if verb == "die":
        time.sleep(0.05)
        os._exit(9)
    done = True


def append(body: bytes, context) -> bytes:
    request = files_pb2.AppendUploadRequest.FromString(body)
    return files_pb2.AppendUploadResponse(
        file=files_pb2.File(size_bytes=len(request.data), sha256=hashlib.sha256(request.data).hexdigest())
    ).SerializeToString()


def delete(body: bytes, context) -> bytes:
    """A changing method with an optional idempotency key: fails once for each file, then says the keys it saw."""
    request = files_pb2.DeleteFileRequest.FromString(body)
    seen[request.file_id] += 1
    keys.setdefault(request.file_id, []).append(
        (request.idempotency_key, metadata_of(context).get("x-internal-nonce"))
    )
    if seen[request.file_id] == 1:
        abort(context, grpc.StatusCode.UNAVAILABLE, "not yet")
    context.set_trailing_metadata((("x-keys", json.dumps(keys[request.file_id])),))
    return b""


keys: dict[str, list] = {}


def services() -> list[grpc.GenericRpcHandler]:
    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    return [
        grpc.method_handlers_generic_handler(
            "howdah.node.v1.NodeService", {"Ping": unary(ping), "DescribeNode": unary(describe)}
        ),
        grpc.method_handlers_generic_handler("howdah.jobs.v1.JobsService", {"WatchJob": stream(watch)}),
        grpc.method_handlers_generic_handler(
            "howdah.files.v1.FilesService", {"AppendUpload": unary(append), "DeleteFile": unary(delete)}
        ),
    ]


def certificate(folder: Path) -> tuple[bytes, bytes]:
    """Make a self-signed certificate for localhost."""
    key, crt = folder / "key.pem", folder / "crt.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", crt],
        check=True,
        capture_output=True,
    )
    return key.read_bytes(), crt.read_bytes()


def listen(answer) -> int:
    """Accept raw TCP connections on a free port and hand each to `answer`."""
    listener = socket.create_server(("127.0.0.1", 0))

    def loop() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()
    return listener.getsockname()[1]


def speak_http1(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nno")
    connection.close()


def hang_up(connection: socket.socket) -> None:
    connection.recv(1)
    connection.close()


def stay_silent(connection: socket.socket) -> None:
    time.sleep(60)
    connection.close()


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="howdah-misbehaving-"))
    server = grpc.server(
        futures.ThreadPoolExecutor(32),
        options=(("grpc.max_receive_message_length", MAX_RECEIVE_BYTES), ("grpc.max_send_message_length", MAX_BYTES)),
    )
    server.add_generic_rpc_handlers(services())
    port = int(os.environ.get("MISBEHAVING_PORT", "0"))
    addresses = {"grpc": f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"}
    if "--plain" not in sys.argv:
        server.add_insecure_port(f"unix:{folder}/grpc.sock")
        key, crt = certificate(folder)
        tls = server.add_secure_port(
            "127.0.0.1:0", grpc.ssl_server_credentials([(key, crt)])
        )
        mtls = server.add_secure_port(
            "127.0.0.1:0",
            grpc.ssl_server_credentials([(key, crt)], root_certificates=crt, require_client_auth=True),
        )
        addresses |= {
            "unix": f"unix:{folder}/grpc.sock",
            "tls": f"https://localhost:{tls}",
            "mtls": f"https://localhost:{mtls}",
            "certificate": f"{folder}/crt.pem",
            "key": f"{folder}/key.pem",
            "http1": f"127.0.0.1:{listen(speak_http1)}",
            "hangup": f"127.0.0.1:{listen(hang_up)}",
            "silent": f"127.0.0.1:{listen(stay_silent)}",
        }
    server.start()
    print(json.dumps(addresses), flush=True)
    # The test process holds the other end of standard input: when it dies, so does this server.
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
