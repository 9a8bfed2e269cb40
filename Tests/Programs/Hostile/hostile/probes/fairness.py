# SPDX-License-Identifier: Apache-2.0
"""51: a flood beside polite clients. 52: a burst of connects. 21: one user that takes all connections."""

from __future__ import annotations

import multiprocessing
import os
import socket
import time
from multiprocessing.connection import Connection

from hostile import wire
from hostile.bystander import Bystander, Latency, Timed
from hostile.figures import Figure, at_most, exactly
from hostile.processes import Context, target


def flood(context: Context) -> list[Figure]:
    """Sends 64 KiB messages as fast as one process can, and reads the answers."""
    path = context.name("flood")
    with target(context, path) as server, Bystander(path) as bystander:
        usual = bystander.unloaded()
        flooders = [multiprocessing.Process(target=_flood, args=(path, 3.0), daemon=True) for _ in range(1)]
        for flooder in flooders:
            flooder.start()
        time.sleep(0.3)
        bystander.measure()
        time.sleep(2.5)
        felt = bystander.measure()
        for flooder in flooders:
            flooder.join()
        messages = wire.statistics(path)["messages"]
        alive = server.is_alive
    return [
        at_most("51", "a flood: a bystander's p99", felt.p99, 2 * usual.p99 + 2, "ms",
                f"{felt}; unloaded {usual}; {messages * 65536 / 3 / (1 << 30):.1f} GiB/s each way"),
        exactly("51", "the server lives", alive, True),
    ]


def _flood(path: str, seconds: float) -> None:
    client = wire.connect(path)
    client.setblocking(False)
    block = wire.frame(b"f" * 65532)
    waiting = memoryview(block)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            waiting = waiting[client.send(waiting) :] or memoryview(block)
        except BlockingIOError:
            pass
        try:
            client.recv(1 << 20)
        except BlockingIOError:
            pass


BURSTS = 5  # One takes a tenth of a second: too few pings for a p99.


def burst(context: Context) -> list[Figure]:
    """All connect at once, repeatedly."""
    path = context.name("burst")
    count = context.count(4000, 10_000)
    with target(context, path) as server, Bystander(path) as bystander:
        usual = bystander.unloaded()
        pings: list[Timed] = []
        duration = 0.0
        for _ in range(BURSTS):
            bystander.measure()
            start = time.perf_counter()
            clients = [wire.connect(path) for _ in range(count)]
            wire.ask(clients[-1], b"last")
            duration += time.perf_counter() - start
            pings += bystander.pings()
            for client in clients:
                client.close()
            while wire.statistics(path)["open"] > 1:
                time.sleep(0.01)
        felt = Latency.of(pings)
        accepted = wire.statistics(path)["accepted"]
        alive = server.is_alive
    return [
        exactly("52", f"accepted of {BURSTS} bursts of {count:,} and a bystander", accepted, BURSTS * count + 1),
        at_most("52", "bursts of connects: a bystander's p99", felt.p99, 5 + usual.p99, "ms",
                f"{felt}; unloaded {usual}; {BURSTS * count / duration:,.0f} connects a second"),
        exactly("52", "the server lives", alive, True),
    ]


def greedy_user(context: Context) -> list[Figure]:
    """Where every user may connect, one opens connections without end."""
    if os.geteuid() != 0:
        return [Figure("21", "one user's limit", "skipped", "-", True, "takes root, to be another user")]
    path = context.name("greedy")
    with target(context, path, "everyone=true", "connections=400", "connectionsPerUser=128") as server:
        with Bystander(path) as bystander:
            usual = bystander.unloaded()
            here, there = multiprocessing.Pipe()
            greedy = multiprocessing.Process(target=_greedy, args=(path, there), daemon=True)
            greedy.start()
            there.close()
            held = here.recv()
            with wire.connect(path) as other:
                answered = wire.ask(other, b"another user") == b"another user"
            felt = bystander.measure()
            here.send("end")
            greedy.join()
        alive = server.is_alive
    return [
        exactly("21", "connections that one user holds, of 128 allowed, who wants more for a second", held, 128),
        exactly("21", "another user is served meanwhile", answered, True),
        at_most("21", "a greedy user: a bystander's p99", felt.p99, 5 + usual.p99, "ms", f"{felt}; unloaded {usual}"),
        exactly("21", "the server lives", alive, True),
    ]


def _greedy(path: str, control: Connection) -> None:
    os.setgid(65534)
    os.setuid(65534)
    clients: list[socket.socket] = []
    held = 0
    end = time.monotonic() + 1
    while time.monotonic() < end:
        try:
            client = wire.connect(path, timeout=2)
            wire.ask(client, b"more")
            clients.append(client)
            held += 1
        except OSError:
            pass
    control.send(held)
    control.recv()
