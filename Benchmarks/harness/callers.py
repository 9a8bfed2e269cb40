# SPDX-License-Identifier: Apache-2.0
"""Clients in Python, for what is asked of single connections, and the places where a server keeps them."""

import contextlib
import os
import resource
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

WAIT_SECONDS = 30.0
# SO_ACCEPTCON, the flag of a socket that listens, in /proc/net/unix.
ACCEPTS_CONNECTIONS = "00010000"


class Caller:
    """A connection with one message in flight."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Without a timeout the kernel waits for room in the server's queue; with one, a full queue is an error.
        self.socket.connect(path)
        self.socket.settimeout(WAIT_SECONDS)

    def send(self, message: bytes) -> None:
        self.socket.sendall(struct.pack(">I", len(message)) + message)

    def receive(self) -> bytes:
        count = struct.unpack(">I", self.exactly(4))[0]
        return self.exactly(count)

    def exactly(self, count: int) -> bytes:
        found = bytearray()
        while len(found) < count:
            part = self.socket.recv(count - len(found))
            if not part:
                raise EOFError("the server has closed the connection")
            found += part
        return bytes(found)

    def ask(self, message: bytes = b"ping") -> None:
        self.send(message)
        if self.receive() != message:
            raise ValueError("a wrong reply")

    def latencies(self, seconds: float) -> list[float]:
        """The duration of each round trip, one after the other, in seconds."""
        found = []
        began = time.monotonic()
        end = began + seconds
        while began < end:
            self.ask()
            now = time.monotonic()
            found.append(now - began)
            began = now
        return found

    def close(self) -> None:
        self.socket.close()


def raise_descriptor_limit() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def listeners() -> set[str]:
    """The Unix sockets of this machine that listen, as links in /proc/PID/fd call them: proc_net(5)."""
    lines = Path("/proc/net/unix").read_text(errors="replace").splitlines()[1:]
    return {f"socket:[{words[6]}]" for words in map(str.split, lines) if words[3] == ACCEPTS_CONNECTIONS}


def connections(pid: int) -> dict[str, int]:
    """How many sockets each epoll instance of a process watches, without listeners, by the instance's descriptor:
    proc_pid_fdinfo(5)."""
    found, listening = {}, listeners()
    directory = Path(f"/proc/{pid}/fd")

    def is_connection(descriptor: str) -> bool:
        with contextlib.suppress(FileNotFoundError):
            link = os.readlink(directory / descriptor)
            return link.startswith("socket:") and link not in listening
        return False

    for link in directory.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(link) == "anon_inode:[eventpoll]":
                lines = Path(f"/proc/{pid}/fdinfo/{link.name}").read_text().splitlines()
                found[link.name] = sum(is_connection(line.split()[1]) for line in lines if line.startswith("tfd:"))
    return found


def wait_until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {WAIT_SECONDS:.0f} s: {what}")
        time.sleep(0.002)


class Workers:
    """The connections of each worker of a pool of two or more, as the kernel sees them: by the epoll instance that
    watches them.

    Made while the server has no connection, or one that ends: that which asked whether the server listens.
    """

    def __init__(self, pid: int, count: int) -> None:
        self.pid, self.count = pid, count
        wait_until(self.are_there, "workers without connections")

    def are_there(self) -> bool:
        """Whether all workers have their epoll instances, beside the acceptor's, and no connection."""
        found = connections(self.pid)
        return len(found) > self.count and not any(found.values())

    def live(self) -> list[int]:
        """The connections of each worker, the fewest first. The acceptor has none."""
        return sorted(connections(self.pid).values())[-self.count :]

    def await_total(self, count: int) -> None:
        wait_until(lambda: sum(self.live()) == count, f"{count} connections")
