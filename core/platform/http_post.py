"""Posts to a server that nobody vouches for: to addresses that were checked, bounded in all."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_ANSWER_BYTES = 1_024
# Of the whole answer with its headers, and of what the server says before it.
MOST_BYTES_READ = 65_536
CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class PostedAnswer:
    """Is what a server answered: the status, the headers that matter, the beginning of the body."""

    status: int
    retry_after: str
    body: bytes


class _Bounded(io.RawIOBase):
    """Reads from a socket until a moment, and no more than so many bytes."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        super().__init__()
        self._connection = connection
        self._until = until
        self._left = MOST_BYTES_READ

    def readable(self) -> bool:
        """Says so, as a buffered reader asks."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Reads once; raises TimeoutError when the time is up, and HTTPException at the limit."""
        if not self._left:
            raise http.client.HTTPException("the answer is too long")
        self._connection.settimeout(_left(self._until))
        count = self._connection.recv_into(memoryview(buffer)[: self._left])
        self._left -= count
        return count


class _Line:
    """Is the socket that http.client is given: every wait ends at the same moment."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._connection = connection
        self._until = until

    def sendall(self, data: bytes) -> None:
        """Sends; raises TimeoutError when the time is up."""
        self._connection.settimeout(_left(self._until))
        self._connection.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Returns what the answer is read from."""
        return io.BufferedReader(_Bounded(self._connection, self._until))

    def close(self) -> None:
        """Does nothing: http.client lets go when the headers are read, and the body still comes."""

    def end(self) -> None:
        """Closes the connection."""
        self._connection.close()


class _PinnedConnection(http.client.HTTPConnection):
    """Connects to given addresses, whatever the host's name means by now."""

    def __init__(
        self,
        host: str,
        port: int,
        addresses: Sequence[str],
        tls: ssl.SSLContext | None,
        until: float,
    ) -> None:
        super().__init__(host, port)
        # So that the Host header leaves out the port that goes without saying.
        self.default_port = 80 if tls is None else 443
        self._addresses = addresses
        self._tls = tls
        self._until = until
        self._line: _Line | None = None

    def connect(self) -> None:
        """Connects to the first address that answers; raises OSError where none does."""
        connection = _connected(self._addresses, self.port, self._until)
        if self._tls is not None:
            try:
                connection.settimeout(_left(self._until))
                connection = self._tls.wrap_socket(connection, server_hostname=self.host)
            except BaseException:
                connection.close()
                raise
        self._line = _Line(connection, self._until)
        self.sock = self._line

    def end(self) -> None:
        """Closes the connection, where there is one."""
        if self._line is not None:
            self._line.end()


def post(
    host: str,
    port: int,
    path: str,
    *,
    addresses: Sequence[str],
    tls: ssl.SSLContext | None,
    headers: Mapping[str, str],
    body: bytes,
    seconds: float,
) -> PostedAnswer:
    """Sends one POST and returns the answer, which is not followed where it redirects.

    Raises OSError or http.client.HTTPException where there is none within `seconds`.
    """
    until = time.monotonic() + seconds
    connection = _PinnedConnection(host, port, addresses, tls, until)
    try:
        connection.request("POST", path, body, {**headers, "Connection": "close"})
        response = connection.getresponse()
        return PostedAnswer(
            response.status, response.headers.get("Retry-After", ""), _beginning(response)
        )
    finally:
        connection.end()


def _beginning(response: http.client.HTTPResponse) -> bytes:
    read = b""
    try:
        while len(read) < MOST_ANSWER_BYTES and (
            part := response.read1(MOST_ANSWER_BYTES - len(read))
        ):
            read += part
    except (OSError, http.client.HTTPException):
        # The status has come, and decides; the body is only for whoever reads the log.
        return read
    return read


def _connected(addresses: Sequence[str], port: int, until: float) -> socket.socket:
    until = min(until, time.monotonic() + CONNECT_SECONDS)
    fault: OSError = OSError("the host has no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), _left(until))
        except OSError as this:
            fault = this
    raise fault


def _left(until: float) -> float:
    """Returns the seconds left, for a socket; raises TimeoutError where there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
