"""Is an HTTP server that takes webhooks, and misbehaves as it is told to."""

from __future__ import annotations

import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

HEAD_END = b"\r\n\r\n"
PATIENCE_SECONDS = 60.0

Behaviour = Callable[["Receiver", socket.socket], None]


@dataclass(frozen=True)
class Received:
    """Is one request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Notes every request; answers each with the next behaviour, and with 204 when none is left."""

    port: int = 0
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    behaviours: deque[Behaviour] = field(default_factory=deque)
    # Set to let hanging behaviours go, and set by one whose client has left.
    release: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?of=acme"

    def will(self, *behaviours: Behaviour) -> None:
        self.behaviours.extend(behaviours)


def answer(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return lambda _receiver, line: line.sendall("\r\n".join(lines).encode() + HEAD_END + body)


def hang(receiver: Receiver, _line: socket.socket) -> None:
    receiver.release.wait(PATIENCE_SECONDS)


def drip(receiver: Receiver, line: socket.socket) -> None:
    """Sends a header a little at a time, so that no single wait is long."""
    line.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    with suppress(OSError):
        while not receiver.release.wait(0.05):
            line.sendall(b"x")
    receiver.left.set()


def flood(receiver: Receiver, line: socket.socket) -> None:
    """Answers with more than anybody wants, until the client leaves."""
    with suppress(OSError):
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        while not receiver.release.is_set():
            line.sendall(b"y" * 65_536)
    receiver.left.set()


def flood_headers(receiver: Receiver, line: socket.socket) -> None:
    with suppress(OSError):
        line.sendall(b"HTTP/1.1 200 OK\r\n")
        while not receiver.release.is_set():
            line.sendall(b"X-Header: " + b"z" * 1_000 + b"\r\n")
    receiver.left.set()


def reset(_receiver: Receiver, line: socket.socket) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def nonsense(_receiver: Receiver, line: socket.socket) -> None:
    line.sendall(b"220 smtp.example ready\r\n")


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Yields a receiver on a free port of the loopback."""
    listening = socket.create_server(("127.0.0.1", 0))
    receiver = Receiver(listening.getsockname()[1])
    closing = threading.Event()
    threads: list[threading.Thread] = []

    def serve() -> None:
        while not closing.is_set():
            connection, _ = listening.accept()
            thread = threading.Thread(target=_answer, args=(receiver, connection, tls), daemon=True)
            threads.append(thread)
            thread.start()

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    try:
        yield receiver
    finally:
        receiver.release.set()
        closing.set()
        with suppress(OSError), socket.create_connection(("127.0.0.1", receiver.port), 1):
            pass
        server.join(PATIENCE_SECONDS)
        listening.close()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)


def _answer(receiver: Receiver, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
    receiver.connections += 1
    connection.settimeout(PATIENCE_SECONDS)
    with connection, suppress(OSError):
        line = connection if tls is None else tls.wrap_socket(connection, server_side=True)
        with line:
            request = _read(line)
            if request is not None:
                receiver.requests.append(request)
                behaviours = receiver.behaviours
                (behaviours.popleft() if behaviours else answer(204))(receiver, line)


def _read(line: socket.socket) -> Received | None:
    data = b""
    while HEAD_END not in data:
        part = line.recv(65_536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(HEAD_END)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += line.recv(65_536)
    return Received(first, headers, body)
