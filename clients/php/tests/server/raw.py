"""A server that breaks the rules of HTTP/2 and gRPC frame by frame.

A line on standard input names the misbehaviour of the next request, and is answered by the number
of requests seen so far; every other request is answered well.
"""

import json
import os
import socket
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable

from frames import DATA, END_HEADERS, HEADERS, PING, Connection, Pairs, frame

GRPC: Pairs = {":status": "200", "content-type": "application/grpc"}
OK: Pairs = {"grpc-status": "0"}

Answer = Callable[[Connection, int], None]


def message(body: bytes, flag: int = 0) -> bytes:
    """Frames a gRPC message."""
    return struct.pack(">BI", flag, len(body)) + body


def gzipped(body: bytes) -> bytes:
    """Compresses as gzip."""
    packer = zlib.compressobj(wbits=31)
    return packer.compress(body) + packer.flush()


HELLO = message(b"hello")


def answers(
    body: bytes = HELLO, headers: Pairs | None = None, trailers: Pairs | None = None
) -> Answer:
    """Returns an answer of headers, a body and trailers; empty ones are left out."""
    first = {**GRPC, **(headers or {})}
    last = OK if trailers is None else trailers

    def answer(connection: Connection, stream: int) -> None:
        connection.headers(stream, first, end=not body and not last)
        connection.data(stream, body, end=not last)
        if last:
            connection.headers(stream, last, end=True)

    return answer


def alone(**pairs: str) -> Answer:
    """Returns an answer of headers and nothing else; `_` stands for what a name cannot have."""
    headers = {name.replace("_", "-"): value for name, value in pairs.items()}
    return lambda connection, stream: connection.headers(stream, {**GRPC, **headers}, end=True)


def then(*steps: Answer) -> Answer:
    """Returns an answer of one step after the other."""

    def answer(connection: Connection, stream: int) -> None:
        for step in steps:
            step(connection, stream)

    return answer


def status(code: int) -> Answer:
    """Sends a status of HTTP alone, as proxies do."""
    pairs = {":status": str(code), "content-type": "text/html"}
    return lambda connection, stream: connection.headers(stream, pairs, end=True)


def resets(error: int) -> Answer:
    """Resets the stream."""
    return lambda connection, stream: connection.reset(stream, error)


def drip(seconds: float) -> Answer:
    """Sends a message one byte at a time."""

    def answer(connection: Connection, stream: int) -> None:
        for byte in HELLO:
            connection.data(stream, bytes([byte]))
            time.sleep(seconds)

    return answer


def many(connection: Connection, stream: int) -> None:
    """Sends ten thousand messages, several to a frame and some of them cut in two."""
    connection.data(stream, b"".join(message(b"%d" % number) for number in range(10_000)))


def informs(code: int) -> Answer:
    """Sends headers that are not the answer yet."""
    pairs = {":status": str(code), "x-hint": "soon", "grpc-status": "13"}
    return lambda connection, stream: connection.headers(stream, pairs)


def sends(data: Callable[[int], bytes]) -> Answer:
    """Sends bytes that depend on the stream."""
    return lambda connection, stream: connection.send(data(stream))


def begin(connection: Connection, stream: int) -> None:
    """Sends the headers."""
    connection.headers(stream, GRPC)


def body(part: bytes = HELLO) -> Answer:
    """Sends a part of the body."""
    return lambda connection, stream: connection.data(stream, part)


def end(connection: Connection, stream: int) -> None:
    """Sends the trailers."""
    connection.headers(stream, OK, end=True)


def close(connection: Connection, _stream: int) -> None:
    """Ends the connection."""
    connection.close()


def break_off(connection: Connection, _stream: int) -> None:
    """Ends the connection with a TCP reset."""
    connection.break_off()


def leave(*, after: bool, error: int = 0) -> Answer:
    """Announces the end: after this stream, or before it."""
    return lambda connection, stream: connection.go_away(
        stream if after else max(0, stream - 2), error
    )


def wait(_connection: Connection, _stream: int) -> None:
    """Lets what was sent arrive by itself."""
    time.sleep(0.02)


def silence(_connection: Connection, _stream: int) -> None:
    """Does nothing."""


HALF = HELLO[:7]
HALF_FRAME = sends(lambda stream: frame(DATA, 0, stream, HELLO)[:12])

SCENARIOS: dict[str, Answer] = {
    "well": answers(),
    "well, with a status in the headers as well": answers(headers={"grpc-status": "13"}),
    "well, after 100 and 103": then(informs(100), informs(103), answers()),
    "well, in gzip": answers(message(gzipped(b"hello"), 1), {"grpc-encoding": "gzip"}),
    "well, with frames that nobody knows": then(
        sends(lambda stream: frame(0x77, 0xFF, stream, b"?") + frame(PING, 0, 0, b"12345678")),
        answers(),
    ),
    "well, and the last one here": then(leave(after=True), answers()),
    "well, and the last one here, later": then(leave(after=True), wait, answers()),
    "well, and the connection ends": then(answers(), leave(after=True), close),
    "well, and then reset": then(answers(), resets(0)),
    "well, drop by drop": then(begin, drip(0.005), end),
    "20 MB": answers(message(b"x" * 20_000_000)),
    "10,000 messages": then(begin, many, end),
    "no message": answers(b""),
    "two messages": answers(HELLO + HELLO),
    "a status alone": alone(grpc_status="5", grpc_message="not%20here"),
    "OK alone": alone(grpc_status="0"),
    "a status after a message": answers(trailers={"grpc-status": "10"}),
    "two statuses": answers(headers=OK, trailers={"grpc-status": "13"}),
    "a status that is no number": answers(trailers={"grpc-status": "fine"}),
    "a status that nobody knows": answers(trailers={"grpc-status": "99"}),
    "no trailers": answers(trailers={}),
    "no trailers, and OK in the headers": answers(headers=OK, trailers={}),
    "trailers without a status": answers(trailers={"x-other": "thing"}),
    "nothing but headers": alone(),
    "half a message": answers(HALF),
    "half a prefix": answers(HELLO[:3]),
    "a message and a half": answers(HELLO + HALF),
    "a flag that gRPC does not have": answers(message(b"hello", 2)),
    "compressed without an encoding": answers(message(gzipped(b"hello"), 1)),
    "compressed otherwise than asked": answers(message(b"hello", 1), {"grpc-encoding": "br"}),
    "broken gzip": answers(message(gzipped(b"hello")[:-9], 1), {"grpc-encoding": "gzip"}),
    "HTML": answers(headers={"content-type": "text/html"}),
    "HTML with an error in the trailers": answers(
        headers={"content-type": "text/html"}, trailers={"grpc-status": "7"}
    ),
    **{f"HTTP {code}": status(code) for code in (204, 302, 400, 401, 403, 404, 429, 500, 502, 503)},
    **{f"reset {code}": resets(code) for code in range(14)},
    "reset after the headers": then(begin, resets(2)),
    "reset in a message": then(begin, body(HALF), resets(2)),
    "reset before the trailers": then(begin, body(), resets(2)),
    "reset before the trailers without an error": then(begin, body(), resets(0)),
    "refused before the trailers": then(begin, body(), resets(7)),
    "closed": close,
    "closed after the headers": then(begin, close),
    "closed in a message": then(begin, body(HALF), close),
    "closed before the trailers": then(begin, body(), close),
    "closed in a frame": then(begin, HALF_FRAME, close),
    "broken off": break_off,
    "broken off before the trailers": then(begin, body(), break_off),
    "goaway before the call": then(leave(after=False), close),
    "goaway for too many pings": then(leave(after=False, error=11), close),
    "goaway in the answer": then(begin, leave(after=True), body(HALF), close),
    "no HTTP/2": sends(lambda _stream: b"this is no frame of anybody's" * 10),
    "a frame that is too large": then(begin, sends(lambda s: frame(DATA, 0, s, bytes(20_000)))),
    "headers that cannot be read": sends(lambda s: frame(HEADERS, END_HEADERS, s, b"\xff" * 9)),
    "a body without headers": sends(lambda stream: frame(DATA, 0, stream, HELLO)),
    "silence": silence,
    "silence after the headers": begin,
    "silence in a message": then(begin, body(HALF)),
    "silence in a frame": then(begin, HALF_FRAME),
    "silence before the trailers": then(begin, body()),
    "silence after a goaway": leave(after=True),
    "a slow drip": then(begin, drip(0.1), end),
}
EARLY: dict[str, Answer] = {
    "reset at the headers": resets(2),
    "refused at the headers": resets(7),
    "closed at the headers": close,
    "broken off at the headers": break_off,
    "a status before the message": then(alone(grpc_status="8"), resets(0)),
}


class Server:
    """Answers well, but for the one request that it is told to misbehave for."""

    def __init__(self) -> None:
        self._next: str | None = None
        self.seen = 0

    def misbehave(self, name: str) -> None:
        """Chooses what the next request meets."""
        if name not in SCENARIOS and name not in EARLY:
            raise KeyError(name)
        self._next = name

    def take_headers(self, connection: Connection, stream: int) -> None:
        """Answers a request of which nothing but the headers has arrived, where told so."""
        self.seen += 1
        if self._next in EARLY:
            early = EARLY[self._next]
            # In this order: the thread that takes the whole request looks at both.
            connection.answered.add(stream)
            self._next = None
            early(connection, stream)

    def take_request(self, connection: Connection, stream: int) -> None:
        """Answers a request that has arrived whole."""
        if self._next in EARLY or stream in connection.answered:
            return
        name, self._next = self._next or "well", None
        SCENARIOS[name](connection, stream)

    def accept(self, listener: socket.socket) -> None:
        """Takes connections for ever."""
        while True:
            client, _ = listener.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(client, self.take_headers, self.take_request)
            threading.Thread(target=connection.serve, daemon=True).start()


def main() -> None:
    """Serves until standard input ends, which the test process holds: the server dies with it."""
    server = Server()
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=server.accept, args=(listener,), daemon=True).start()
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    scenarios = [*SCENARIOS, *EARLY]
    print(json.dumps({"grpc": address, "scenarios": json.dumps(scenarios)}), flush=True)
    for line in sys.stdin:
        server.misbehave(line.removesuffix("\n"))
        print(server.seen, flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
