# SPDX-License-Identifier: Apache-2.0
"""39: a broadcast to thousands, one of which does not read. And the cost of deadlines among thousands."""

from __future__ import annotations

import resource
import selectors
import socket
import statistics
import time

from hostile import wire
from hostile.figures import Figure, at_most, exactly
from hostile.processes import Context, preferred, target

MESSAGE = wire.frame(b"to everybody, " * 4)
SAMPLE = 100  # whose messages are timed, spread over all


def broadcast(context: Context) -> list[Figure]:
    """Alternating rounds: with all clients reading, and with one that does not."""
    raise_descriptor_limit()
    path = context.name("broadcast")
    count = context.count(2000, 10_000)
    rounds = context.count(6, 10)
    times: dict[bool, list[float]] = {False: [], True: []}
    with target(context, path, "mode=broadcast", "connections=16000") as server:
        everybody = [wire.connect(path) for _ in range(count)]
        speaker = wire.connect(path)
        with preferred():
            for number in range(rounds):
                slow = number % 2 == 1
                deaf = fill(path, [*everybody, speaker]) if slow else None
                times[slow] += [p99(one_broadcast(speaker, everybody)) for _ in range(30)]
                drain(everybody, deaf)
        alive = server.is_alive
    # The median of all broadcasts: a single one that the machine delayed says nothing about the client that does not
    # read.
    usual, beside = (statistics.median(times[slow]) * 1000 for slow in (False, True))
    remark = f"p99 {usual:.2f} ms without, {beside:.2f} ms with; of {SAMPLE} in {count:,}, {rounds * 30} broadcasts"
    # A server that waited for that client would wait for seconds. A short run shows no more than that, but reliably.
    limit = context.count(2, 1.1)
    return [
        at_most("39", f"a broadcast to {count:,}, one of whom does not read: p99 of the others, to that without",
                beside / usual, limit, "times", remark),
        exactly("39", "the server lives", alive, True),
    ]


def fill(path: str, everybody: list[socket.socket]) -> socket.socket:
    """One more client, for which a message waits in the server's queue because the kernel holds no more."""
    deaf = wire.connect(path)
    speaker = everybody[0]
    # All others read one before the next comes, so that only this client's queue grows.
    for _ in range(20):
        speaker.sendall(wire.frame(b"x" * 20_000))
        for client in everybody:
            wire.receive(client)
    return deaf


def one_broadcast(speaker: socket.socket, everybody: list[socket.socket]) -> list[float]:
    """The time to each client of the sample."""
    with selectors.DefaultSelector() as selector:
        for client in everybody[:: max(1, len(everybody) // SAMPLE)]:
            selector.register(client, selectors.EVENT_READ)
        times = []
        start = time.perf_counter()
        speaker.sendall(MESSAGE)
        while selector.get_map():
            for key, _ in selector.select():
                times.append(time.perf_counter() - start)
                selector.unregister(key.fileobj)
        wire.receive(speaker)
        # The last of them has it, too, before the next one leaves.
        everybody[-1].recv(len(MESSAGE), socket.MSG_WAITALL | socket.MSG_PEEK)
    for client in everybody:
        wire.receive(client)
    return times


def p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


def drain(everybody: list[socket.socket], deaf: socket.socket | None) -> None:
    if deaf is not None:
        deaf.close()
    time.sleep(0.1)


def sweep(context: Context) -> list[Figure]:
    """One client in the middle of a message: the deadlines of all are watched until it has sent the rest."""
    raise_descriptor_limit()
    path = context.name("sweep")
    count = context.count(2000, 15_000)
    seconds = context.count(4, 20)
    with target(context, path, "connections=16000") as server:
        clients = [wire.connect(path) for _ in range(count)]
        wire.ask(clients[-1], b"all are in")
        idle = spent(server, seconds)
        clients[0].sendall(MESSAGE[:6])
        watched = spent(server, seconds)
        for client in clients:
            client.close()
    return [
        at_most("33", f"deadlines among {count:,} connections: processor time", (watched - idle) / seconds * 100, 1, "%",
                f"{(watched - idle) / seconds * 1000:.2f} ms a second; {idle / seconds * 1000:.2f} where nothing is watched"),
    ]


def spent(server: object, seconds: int) -> float:
    time.sleep(0.5)
    before = server.run_time
    time.sleep(seconds)
    return server.run_time - before


def raise_descriptor_limit() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
