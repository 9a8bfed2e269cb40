# SPDX-License-Identifier: Apache-2.0
"""Plain sockets and the default framing: four bytes of big-endian length, then the message."""

from __future__ import annotations

import json
import socket
import struct
import time

HEADER = struct.Struct(">I")
TIME_VALUE = struct.Struct("@ll")
"""A `struct timeval`: seconds and microseconds."""


def frame(body: bytes) -> bytes:
    """One message as it is on the wire."""
    return HEADER.pack(len(body)) + body


def connect(path: str, timeout: float = 10.0) -> socket.socket:
    """A connection; a full queue makes it wait, as a blocking connect does.

    The kernel waits, not Python: a socket with a timeout is non-blocking to the kernel, which refuses it with EAGAIN
    as soon as the queue is full (unix(7))."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        limit_sending(client, timeout)
        client.connect(path)
        limit_sending(client, 0)
        client.settimeout(timeout)
    except BlockingIOError:
        client.close()
        raise TimeoutError(f"the queue of {path} stayed full for {timeout:g} s") from None
    except OSError:
        client.close()
        raise
    return client


def limit_sending(client: socket.socket, seconds: float) -> None:
    """SO_SNDTIMEO, which limits connect(2) as well; 0 for no limit."""
    whole, part = divmod(int(seconds * 1_000_000), 1_000_000)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, TIME_VALUE.pack(whole, part))


def connect_when_there(path: str, patience: float = 10.0) -> socket.socket:
    """As `connect`, for a name that appears a moment after the target is ready, such as its neighbours'."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return connect(path, timeout=max(0.1, deadline - time.monotonic()))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def receive(client: socket.socket) -> bytes:
    """The next message; ConnectionError at the end."""
    length = HEADER.unpack(exactly(client, HEADER.size))[0]
    return exactly(client, length)


def exactly(client: socket.socket, count: int) -> bytes:
    pieces = []
    while count > 0:
        piece = client.recv(min(count, 1 << 20))
        if not piece:
            raise ConnectionError("the stream ended")
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def ask(client: socket.socket, body: bytes) -> bytes:
    client.sendall(frame(body))
    return receive(client)


def statistics(path: str) -> dict:
    """The target's statistics, over the name that no attack knows."""
    with connect(path + ".control") as client:
        return json.loads(ask(client, b"statistics"))


def is_ended(client: socket.socket) -> bool:
    """Whether the server has closed the connection; waits no longer than the socket's timeout."""
    try:
        while client.recv(1 << 16):
            pass
        return True
    except TimeoutError:
        return False
    except OSError:
        return True
