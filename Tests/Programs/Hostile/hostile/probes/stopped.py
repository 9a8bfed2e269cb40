# SPDX-License-Identifier: Apache-2.0
"""78: the server is stopped beyond each of its limits, and the awaited bytes arrive meanwhile."""

from __future__ import annotations

import socket
import time

from hostile import wire
from hostile.figures import Figure, exactly
from hostile.processes import Context, stopped, target

CLIENTS = 20
LIMIT = 1.0
STOP = 2 * LIMIT
BODY = b"half of it arrives before the stop, and half of it during the stop"


def stopped_past_limits(context: Context) -> list[Figure]:
    return [unfinished_frames(context), stalled_queues(context)]


def unfinished_frames(context: Context) -> Figure:
    path = context.name("stopped-frames")
    with target(context, path, f"frameDeadline={LIMIT * 1000:.0f}") as server:
        clients = [wire.connect(path) for _ in range(CLIENTS)]
        message = wire.frame(BODY)
        for client in clients:
            client.sendall(message[:30])
        seen(path, CLIENTS)
        with stopped(server.process.pid):
            for client in clients:
                client.sendall(message[30:])
            time.sleep(STOP)
        answered = sum(1 for client in clients if answer(client) == BODY)
    return exactly("78", "of 20 frames completed while the server was stopped past their deadline, answered", answered,
                   CLIENTS)


def stalled_queues(context: Context) -> Figure:
    path = context.name("stopped-queues")
    settings = ("mode=push", f"writeStallDeadline={LIMIT * 1000:.0f}", "highWaterMark=262144", "sendQueueLimit=1048576")
    with target(context, path, *settings) as server:
        clients = [wire.connect(path) for _ in range(CLIENTS)]
        for client in clients:
            client.sendall(wire.frame(b"push"))
            wire.receive(client)
        with stopped(server.process.pid):
            for client in clients:
                drain(client)
            time.sleep(STOP)
        # More than the kernel held, so the server has gone on sending.
        served = sum(1 for client in clients if receives(client, 500_000))
        endings = wire.statistics(path)["endings"]
    return exactly("78", "of 20 queues taken from while the server was stopped past their deadline, sent on", served,
                   CLIENTS, str(endings or ""))


def seen(path: str, count: int) -> None:
    """Once the server has accepted them all; a frame's first bytes are read with the accept's turn or the next."""
    deadline = time.monotonic() + 10
    while wire.statistics(path)["open"] < count and time.monotonic() < deadline:
        time.sleep(0.01)


def answer(client: socket.socket) -> bytes:
    try:
        return wire.receive(client)
    except OSError:
        return b""


def drain(client: socket.socket) -> None:
    client.setblocking(False)
    try:
        while client.recv(1 << 16):
            pass
    except BlockingIOError:
        pass
    client.settimeout(10)


def receives(client: socket.socket, count: int) -> bool:
    try:
        wire.exactly(client, count)
        return True
    except OSError:
        return False
