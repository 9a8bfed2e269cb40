# SPDX-License-Identifier: Apache-2.0
"""The descriptor bomb: a TCP socket whose last close blocks the thread that does it (FACTS: SO_LINGER)."""

from __future__ import annotations

import socket
import struct

from hostile.processes import stopped


class Bomb:
    """A connected TCP socket with unsent bytes, whose peer never reads."""

    def __init__(self, seconds: int) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self.socket = socket.create_connection(listener.getsockname())
        self.peer, _ = listener.accept()
        listener.close()
        self.socket.setblocking(False)
        try:
            while True:
                self.socket.send(b"x" * 65536)
        except BlockingIOError:
            pass
        # Closing a non-blocking socket does not linger.
        self.socket.setblocking(True)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, seconds))

    def send(self, client: socket.socket, body: bytes, server: int) -> str:
        """Sends it along with some bytes and forgets it; returns what became of it.

        The server, a process, is stopped meanwhile: were it quicker than we, the last close would be ours.
        """
        with stopped(server):
            try:
                socket.send_fds(client, [body], [self.socket.fileno()])
            except OSError as error:
                self.disarm()
                return f"refused by the kernel ({error.strerror})"
            self.socket.close()
        return "taken"

    def disarm(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
        self.socket.close()

    def end(self) -> None:
        """Frees every thread that still waits."""
        self.peer.close()
