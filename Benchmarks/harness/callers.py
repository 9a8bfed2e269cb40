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


def epoll_sizes(pid: int) -> dict[str, int]:
    """The number of descriptors that each epoll instance of a process watches, by its own: proc_pid_fdinfo(5)."""
    found = {}
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(link) == "anon_inode:[eventpoll]":
                text = Path(f"/proc/{pid}/fdinfo/{link.name}").read_text()
                found[link.name] = sum(line.startswith("tfd:") for line in text.splitlines())
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
        self.empty: dict[str, int] = {}
        wait_until(self.is_empty, "workers without connections")

    def is_empty(self) -> bool:
        """Whether all workers watch the same number of descriptors. The acceptor watches more, its listener."""
        self.empty = epoll_sizes(self.pid)
        fewest = sorted(self.empty.values())[: self.count]
        return len(self.empty) > self.count and len(set(fewest)) == 1

    def live(self) -> list[int]:
        """The connections of each worker, the fewest first. The acceptor has none."""
        grown = [size - self.empty.get(name, 0) for name, size in epoll_sizes(self.pid).items()]
        return sorted(grown)[-self.count :]

    def await_total(self, count: int) -> None:
        wait_until(lambda: sum(self.live()) == count, f"{count} connections")
