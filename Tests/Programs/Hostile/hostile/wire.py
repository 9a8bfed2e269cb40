# SPDX-License-Identifier: Apache-2.0
"""Plain sockets and the default framing: four bytes of big-endian length, then the message."""

from __future__ import annotations

import json
import socket
import struct
import time

HEADER = struct.Struct(">I")


def frame(body: bytes) -> bytes:
    """One message as it is on the wire."""
    return HEADER.pack(len(body)) + body


def connect(path: str, timeout: float = 10.0) -> socket.socket:
    """A connection; a full queue makes it wait, as a blocking connect does."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(timeout)
    try:
        client.connect(path)
    except OSError:
        client.close()
        raise
    return client


def connect_when_there(path: str, patience: float = 10.0) -> socket.socket:
    """As `connect`, for a name that appears a moment after the target is ready, such as its neighbours'."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return connect(path)
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
