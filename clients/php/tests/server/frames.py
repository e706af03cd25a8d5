"""HTTP/2 by hand: as much of a server as it takes to break the rules one at a time."""

import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Callable

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
INITIAL_WINDOW_SIZE = 4
MAX_FRAME_BYTES = 16_384
NO_LINGER = struct.pack("ii", 1, 0)

Pairs = dict[str, str]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Makes one frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def packed(pairs: Pairs) -> bytes:
    """Writes headers as literals that nobody need remember: the plainest form of HPACK."""
    parts = []
    for pair in pairs.items():
        name, value = (text.encode() for text in pair)
        parts.append(b"\x00" + _length(len(name)) + name + _length(len(value)) + value)
    return b"".join(parts)


def _length(number: int) -> bytes:
    if number < 0x7F:
        return bytes([number])
    number -= 0x7F
    more = b"\x7f"
    while number >= 0x80:
        more += bytes([number & 0x7F | 0x80])
        number >>= 7
    return more + bytes([number])


class GoneError(Exception):
    """The client has left."""


class Connection:
    """Is one client; a thread reads from it, and another one for each request answers."""

    def __init__(
        self,
        client: socket.socket,
        on_headers: Callable[["Connection", int], None],
        on_request: Callable[["Connection", int], None],
    ) -> None:
        self.client = client
        self.answered: set[int] = set()
        self._on_headers, self._on_request = on_headers, on_request
        self._initial_window = 65_535
        self._windows: defaultdict[int, int] = defaultdict(int)
        self._changed = threading.Condition()
        self._is_gone = False

    def serve(self, settings: bytes = b"") -> None:
        """Reads until the client leaves."""
        try:
            self._take(len(PREFACE))
            self.send(frame(SETTINGS, 0, 0, settings))
            self._windows[0] += self._initial_window
            while True:
                head = self._take(9)
                kind, flags, stream = struct.unpack(">BBI", head[3:])
                payload = self._take(int.from_bytes(head[:3], "big"))
                self._handle(kind, flags, stream, payload)
        except (GoneError, OSError):
            with self._changed:
                self._is_gone = True
                self._changed.notify_all()

    def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self.client.sendall(data)

    def headers(self, stream: int, pairs: Pairs, *, end: bool = False) -> None:
        """Sends headers, or trailers."""
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, packed(pairs)))

    def data(self, stream: int, body: bytes, *, end: bool = False) -> None:
        """Sends a body in as many frames as it takes, and no faster than the client allows."""
        for start in range(0, len(body), MAX_FRAME_BYTES):
            piece = body[start : start + MAX_FRAME_BYTES]
            self._wait_for_window(stream, len(piece))
            last = end and start + len(piece) == len(body)
            self.send(frame(DATA, END_STREAM if last else 0, stream, piece))

    def reset(self, stream: int, error: int) -> None:
        """Ends one stream with an HTTP/2 error code."""
        self.send(frame(RST_STREAM, 0, stream, struct.pack(">I", error)))

    def go_away(self, last_stream: int, error: int = 0) -> None:
        """Says that streams after this one are not handled."""
        self.send(frame(GOAWAY, 0, 0, struct.pack(">II", last_stream, error)))

    def close(self) -> None:
        """Ends the connection in an orderly way."""
        self.client.shutdown(socket.SHUT_RDWR)

    def break_off(self) -> None:
        """Ends the connection with a TCP reset."""
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        # Closed only when the reading thread lets go as well, which this wakes.
        self.client.shutdown(socket.SHUT_RD)
        self.client.close()

    def _handle(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == SETTINGS and not flags & ACK:
            for name, value in struct.iter_unpack(">HI", payload):
                if name == INITIAL_WINDOW_SIZE:
                    self._initial_window = value
            self.send(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        elif kind == WINDOW_UPDATE:
            with self._changed:
                self._windows[stream] += int.from_bytes(payload, "big")
                self._changed.notify_all()
        elif kind == HEADERS:
            self._windows[stream] += self._initial_window
            self._begin(self._on_headers, stream)
        if kind in {HEADERS, DATA} and flags & END_STREAM:
            self._begin(self._on_request, stream)

    def _begin(self, answer: Callable[["Connection", int], None], stream: int) -> None:
        def run() -> None:
            try:
                answer(self, stream)
            except (GoneError, OSError):
                return

        threading.Thread(target=run, daemon=True).start()

    def _wait_for_window(self, stream: int, size: int) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_gone or min(self._windows[0], self._windows[stream]) >= size
            )
            if self._is_gone:
                raise GoneError
            self._windows[0] -= size
            self._windows[stream] -= size

    def _take(self, size: int) -> bytes:
        taken = bytearray()
        while len(taken) < size:
            piece = self.client.recv(size - len(taken))
            if not piece:
                raise GoneError
            taken += piece
        return bytes(taken)
