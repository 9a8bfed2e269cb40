# SPDX-License-Identifier: Apache-2.0
"""41 to 44: what was sent before an end arrives, whatever the order in which the end comes about."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import time
from typing import Callable

from hostile import wire
from hostile.figures import Figure, at_most, exactly
from hostile.processes import Context, target

BURST = b"".join(wire.frame(b"message %d" % number) for number in range(10))


def close_at_once(client: socket.socket) -> None:
    """Whatever the server has sent lies unread: it may be reset."""


def finish_first(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_WR)


def stop_reading_first(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_RD)


def stop_both(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_RDWR)


def read_one_answer(client: socket.socket) -> None:
    client.recv(14)


def finish_and_read_all(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_WR)
    while client.recv(1 << 16):
        pass


ORDERS: list[Callable[[socket.socket], None]] = [
    close_at_once, finish_first, stop_reading_first, stop_both, read_one_answer, finish_and_read_all,
]


def tail_loss(context: Context) -> list[Figure]:
    """Every order, against a server that answers and against one that only listens."""
    closes = context.count(12_000, 1_000_000)
    figures = []
    for mode in ("echo", "count"):
        path = context.name("endings-" + mode)
        with target(context, path, f"mode={mode}") as server:
            each = closes // 2 // len(ORDERS)
            sent = 0
            for order in ORDERS:
                if mode == "count" and order is read_one_answer:
                    order = close_at_once
                for _ in range(each):
                    client = wire.connect(path)
                    client.sendall(BURST)
                    order(client)
                    client.close()
                    sent += 10
            sent += killed(path, each // 50)
            arrived = settled_messages(path, sent)
            figures.append(
                exactly("41-44", f"messages lost in {sent // 10:,} closes, {mode} server", sent - arrived, 0,
                        "in 7 orders, SIGKILL of the client among them"))
            figures.append(exactly("41-44", f"the {mode} server lives", server.is_alive, True))
    return figures


def killed(path: str, count: int) -> int:
    """Clients that die right behind their last byte; how many messages they had sent."""
    for _ in range(count):
        child = os.fork()
        if child == 0:
            client = wire.connect(path)
            client.sendall(BURST)
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
    return 10 * count


def settled_messages(path: str, expected: int) -> int:
    deadline = time.monotonic() + 30
    while True:
        arrived = wire.statistics(path)["messages"]
        if arrived >= expected or time.monotonic() > deadline:
            return arrived
        time.sleep(0.05)
