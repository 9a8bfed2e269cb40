# SPDX-License-Identifier: Apache-2.0
"""41 to 44, 68, 70: what was sent before an end arrives, whatever the order of the ends; and a half-close,
which no event reports."""

from __future__ import annotations

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
    """What the server has sent is unread, so it may be reset."""


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
    """Clients that die right behind their last byte; returns how many messages they had sent."""
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


LAST_WORDS = 2_000_004
"""The target's last message as a frame: more than a socket holds."""


def deaf_ears(context: Context) -> list[Figure]:
    """Clients that have much queued for them, shut their reading down, make a little room, and stay."""
    path = context.name("deaf-ears")
    settings = ("mode=push", "sendQueueLimit=8388608", "writeStallDeadline=2000")
    with target(context, path, *settings) as server:
        clients = [wire.connect(path) for _ in range(20)]
        for client in clients:
            client.sendall(wire.frame(b"push"))
        queued = until(path, "queued", lambda count: count > 20 * (7 << 20))
        for client in clients:
            client.shutdown(socket.SHUT_RD)
            while client.recv(1 << 20):
                pass
        start = time.monotonic()
        left = until(path, "queued", lambda count: count == 0)
        freed = time.monotonic() - start
        open_then = wire.statistics(path)["open"]
        open_later = until(path, "open", lambda count: count == 0, patience=10)
        said = wire.statistics(path)
        alive = server.is_alive
    for client in clients:
        client.close()
    return [
        exactly("68", "20 queues of 8 MiB were full", queued > 20 * (7 << 20), True),
        exactly("68", "bytes queued for who has shut its reading down", left, 0, "and they stay connected"),
        at_most("68", "let go after", freed, 1, "s", "long before the deadline"),
        exactly("68", "connections whose owner was told", said["failedOutputs"], 20),
        exactly("68", "of them open meanwhile", open_then, 20),
        exactly("68", "and behind the deadline of 2 s", open_later, 0),
        exactly("68", "for a reason of its own", said["endings"].get("outputFailed", 0), 20),
        exactly("68", "the server lives", alive, True),
    ]


def until(path: str, name: str, is_so: Callable[[int], bool], patience: float = 5.0) -> int:
    """A statistic of the target, once it has the expected value, or at the time limit."""
    deadline = time.monotonic() + patience
    while True:
        count = wire.statistics(path)[name]
        if is_so(count) or time.monotonic() > deadline:
            return count
        time.sleep(0.02)


def last_words(context: Context) -> list[Figure]:
    """The target closes over 2 MB; its client writes more than a socket holds, and only then reads."""
    figures = []
    for mode, moment, is_drained in (
        ("greet", "in its first callback", False), ("farewell", "in a message", False),
        ("farewell", "and is stopped behind that", True),
    ):
        path = context.name(f"last-words-{mode}-{is_drained}")
        with target(context, path, f"mode={mode}"):
            control = wire.connect(path + ".control")
            with wire.connect(path) as client:
                client.sendall(wire.frame(b"bye"))
                time.sleep(0.1)
                if is_drained:
                    control.sendall(wire.frame(b"drain"))
                    time.sleep(0.1)
                client.settimeout(3)
                received = talk_then_listen(client)
            control.close()
        figures.append(exactly("70", f"bytes of last words, closed {moment}", received, LAST_WORDS))
    return figures


def talk_then_listen(client: socket.socket) -> int:
    """The number of bytes that came, if the write succeeded at all."""
    received = 0
    try:
        client.sendall(wire.frame(b"x" * 600_000))
        while piece := client.recv(1 << 20):
            received += len(piece)
    except OSError:
        pass
    return received
