"""A gRPC server that does on request what a client must survive; prints its addresses as JSON."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path

import grpc
from howdah.files.v1 import files_pb2
from howdah.jobs.v1 import jobs_pb2

from answers import abort, cancelled, code, metadata_of, ping, seen

MAX_BYTES = 32 * 1024 * 1024
MAX_RECEIVE_BYTES = int(os.environ.get("MISBEHAVING_MAX_RECEIVE_BYTES", MAX_BYTES))
HTTP1 = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nno"
)

keys: defaultdict[str, list[tuple[str, str | None]]] = defaultdict(list)


def watch(body: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
    """Streams jobs: `count:N:seconds`, `fail:N:code`, `die:N`, `wide:N:bytes`, `flaky:N:name`."""
    job_id = jobs_pb2.WatchJobRequest.FromString(body).job_id
    verb, *arguments = job_id.split(":")
    done = threading.Event()
    context.add_callback(lambda: None if done.is_set() else cancelled.add(job_id))
    seen[job_id] += 1
    count = int(arguments[0])
    if verb == "flaky" and seen[job_id] <= count:
        abort(context, grpc.StatusCode.UNAVAILABLE, "not yet")
    for number in range(1, count + 1):
        job = jobs_pb2.Job(job_id=job_id, sequence=number)
        if verb == "wide":
            job.progress.message = "w" * int(arguments[1])
        yield jobs_pb2.WatchJobResponse(job=job).SerializeToString()
        if verb == "count" and len(arguments) > 1:
            time.sleep(float(arguments[1]))
    if verb == "fail":
        abort(context, code(arguments[1]), "half-way")
    if verb == "die":
        time.sleep(0.05)
        os._exit(9)
    done.set()


def append(body: bytes, _context: grpc.ServicerContext) -> bytes:
    """Answers with the SHA-256 of what came."""
    data = files_pb2.AppendUploadRequest.FromString(body).data
    file = files_pb2.File(size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    return files_pb2.AppendUploadResponse(file=file).SerializeToString()


def delete(body: bytes, context: grpc.ServicerContext) -> bytes:
    """Fails once for each file, and then says what keys and nonces it saw."""
    request = files_pb2.DeleteFileRequest.FromString(body)
    nonce = metadata_of(context).get("x-internal-nonce")
    keys[request.file_id].append((request.idempotency_key, nonce))
    if len(keys[request.file_id]) == 1:
        abort(context, grpc.StatusCode.UNAVAILABLE, "not yet")
    context.set_trailing_metadata((("x-keys", json.dumps(keys[request.file_id])),))
    return b""


def services() -> list[grpc.GenericRpcHandler]:
    """Returns the methods; they take and give bytes, as the node's do."""
    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    make = grpc.method_handlers_generic_handler
    return [
        make("howdah.node.v1.NodeService", {"Ping": unary(ping)}),
        make("howdah.jobs.v1.JobsService", {"WatchJob": stream(watch)}),
        make(
            "howdah.files.v1.FilesService",
            {"AppendUpload": unary(append), "DeleteFile": unary(delete)},
        ),
    ]


def certificate(folder: Path) -> tuple[bytes, bytes]:
    """Makes a self-signed certificate for localhost."""
    key, crt = folder / "key.pem", folder / "crt.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
        f"-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout {key} -out {crt}"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    return key.read_bytes(), crt.read_bytes()


def listen(answer: Callable[[socket.socket], None]) -> str:
    """Accepts raw connections on a free port and hands each to `answer`; returns the address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def loop() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()
    return f"127.0.0.1:{listener.getsockname()[1]}"


def speak_http1(connection: socket.socket) -> None:
    """Answers as a web server that knows no HTTP/2."""
    with connection:
        connection.recv(65536)
        connection.sendall(HTTP1)


def hang_up(connection: socket.socket) -> None:
    """Closes the connection after its first byte."""
    with connection:
        connection.recv(1)


def stay_silent(connection: socket.socket) -> None:
    """Never says a word."""
    with connection:
        time.sleep(60)


def other_addresses(server: grpc.Server) -> dict[str, str]:
    """Opens every other way in, and the raw listeners."""
    folder = Path(tempfile.mkdtemp(prefix="howdah-misbehaving-"))
    server.add_insecure_port(f"unix:{folder}/grpc.sock")
    key, crt = certificate(folder)
    one_way = grpc.ssl_server_credentials([(key, crt)])
    mutual = grpc.ssl_server_credentials([(key, crt)], crt, require_client_auth=True)
    return {
        "unix": f"unix:{folder}/grpc.sock",
        "tls": f"https://localhost:{server.add_secure_port('127.0.0.1:0', one_way)}",
        "mtls": f"https://localhost:{server.add_secure_port('127.0.0.1:0', mutual)}",
        "certificate": f"{folder}/crt.pem",
        "key": f"{folder}/key.pem",
        "http1": listen(speak_http1),
        "hangup": listen(hang_up),
        "silent": listen(stay_silent),
    }


def main() -> None:
    """Serves until standard input ends, which the test process holds: the server dies with it."""
    server = grpc.server(
        futures.ThreadPoolExecutor(32),
        options=(
            ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
            ("grpc.max_send_message_length", MAX_BYTES),
        ),
    )
    server.add_generic_rpc_handlers(services())
    wanted = os.environ.get("MISBEHAVING_PORT", "0")
    addresses = {"grpc": f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{wanted}')}"}
    if "--plain" not in sys.argv:
        addresses |= other_addresses(server)
    server.start()
    print(json.dumps(addresses), flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
