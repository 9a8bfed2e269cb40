# SPDX-License-Identifier: Apache-2.0
"""The misbehaviour of clients, each on a connection of its own. True: the connection is to linger."""

from __future__ import annotations

import random
import socket
import struct
from typing import Callable

from hostile import wire

Misbehaviour = Callable[[socket.socket, random.Random], bool]


def come_and_go(client: socket.socket, chance: random.Random) -> bool:
    return False


def ask_and_vanish(client: socket.socket, chance: random.Random) -> bool:
    client.sendall(wire.frame(b"?" * chance.randrange(2000)) * chance.randrange(1, 20))
    return False


def ask_in_order(client: socket.socket, chance: random.Random) -> bool:
    for _ in range(chance.randrange(1, 10)):
        body = b"!" * chance.randrange(70_000)
        if wire.ask(client, body) != body:
            raise AssertionError("not what was sent")
    return chance.random() < 0.3


def break_off(client: socket.socket, chance: random.Random) -> bool:
    size = chance.randrange(10, 200_000)
    client.sendall(wire.frame(b"x" * size)[: chance.randrange(1, size)])
    return False


def trickle(client: socket.socket, chance: random.Random) -> bool:
    client.sendall(struct.pack(">I", 16 << 20) + b"x" * chance.randrange(100_000))
    return True


def talk_nonsense(client: socket.socket, chance: random.Random) -> bool:
    client.sendall(b"\xfe" + chance.randbytes(chance.randrange(1000)))
    return chance.random() < 0.2


def flood(client: socket.socket, chance: random.Random) -> bool:
    """Sends until nothing more fits, and reads no answer."""
    client.setblocking(False)
    block = wire.frame(b"f" * chance.randrange(1, 65_536)) * 4
    try:
        for _ in range(chance.randrange(1, 200)):
            client.send(block)
    except BlockingIOError:
        pass
    return chance.random() < 0.5


def half_close(client: socket.socket, chance: random.Random) -> bool:
    client.sendall(wire.frame(b"last") * 3)
    client.shutdown(chance.choice([socket.SHUT_RD, socket.SHUT_WR]))
    return chance.random() < 0.3


def throw_descriptors(client: socket.socket, chance: random.Random) -> bool:
    """Harmless descriptors: the bomb has a probe of its own."""
    try:
        socket.send_fds(client, [wire.frame(b"boom")], [client.fileno()] * chance.randrange(1, 5))
    except PermissionError:
        pass
    return False


MISBEHAVIOURS: list[Misbehaviour] = [
    come_and_go, ask_and_vanish, ask_in_order, break_off, trickle, talk_nonsense, flood, half_close, throw_descriptors,
]
