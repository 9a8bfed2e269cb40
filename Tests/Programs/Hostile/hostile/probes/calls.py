# SPDX-License-Identifier: Apache-2.0
"""74, 80, 82: many idle clients with deadlines; JSON-RPC peers of every kind; messages that only the framing accepts."""

from __future__ import annotations

import json
import random
import socket
import threading
import time

from hostile import callers, wire
from hostile.figures import Figure, at_most, exactly
from hostile.processes import Context, target

CALLS = 10_000


def idle_deadlines(context: Context) -> list[Figure]:
    """4,000 clients, each with an idle limit."""
    path = context.name("idle")
    with target(context, path, "idleLimit=60000", "connections=5000") as server:
        clients = [wire.connect(path) for _ in range(4_000)]
        for client in clients:
            wire.ask(client, b"here")
        before, seconds = server.run_time, 2.0
        time.sleep(seconds)
        share = (server.run_time - before) / seconds * 100
        answered = sum(1 for client in clients if wire.ask(client, b"still") == b"still")
    return [
        at_most("74", "of a processor, for the deadlines of 4,000 idle clients", share, 1, "%"),
        exactly("74", "of 4,000 idle clients, answered afterwards", answered, 4_000),
    ]


def peers_of_every_kind(context: Context) -> list[Figure]:
    path = context.name("calls")
    with target(context, path, "neighbours=true") as server:
        honest = wire.connect_when_there(path + ".rpc")
        lingering = misbehave(path + ".rpc", context.count(200, 5_000))
        replies = call_at_the_limit(path + ".rpc")
        answer = echo(honest)
        for client in lingering:
            client.close()
        alive = server.is_alive
    return [
        exactly("80", "the server lives among JSON-RPC peers of every kind", alive, True),
        exactly("80", "of 10,000 calls at the handlers' limit, answered", replies, CALLS),
        exactly("80", "an honest peer beside them has its answer", answer, ["still here"]),
    ]


def framed_nonsense(context: Context) -> list[Figure]:
    """Messages that are complete for the framing, and that JSON-RPC does not understand, or only at the beginning."""
    path = context.name("nonsense")
    chance = random.Random(82)
    with target(context, path, "neighbours=true") as server:
        honest = wire.connect_when_there(path + ".rpc")
        count = context.count(3_000, 100_000)
        with wire.connect(path + ".rpc") as client:
            client.setblocking(False)
            for _ in range(count):
                try:
                    client.sendall(wire.frame(mutated(chance)))
                except BlockingIOError:
                    client.close()
                    client = wire.connect(path + ".rpc")
                    client.setblocking(False)
        answer = echo(honest)
        alive = server.is_alive
    return [
        exactly("82", f"the server lives after {count:,} framed messages of nonsense", alive, True),
        exactly("82", "an honest peer beside them has its answer", answer, ["still here"]),
    ]


def misbehave(path: str, count: int) -> list[socket.socket]:
    chance = random.Random(80)
    lingering: list[socket.socket] = []
    for _ in range(count):
        client = wire.connect(path)
        try:
            if chance.choice(callers.CALLERS)(client, chance):
                lingering.append(client)
                continue
        except OSError:
            pass
        client.close()
    return lingering


def call_at_the_limit(path: str) -> int:
    """The number of replies to calls that are all sent at once, each of which takes a moment."""
    with wire.connect(path, timeout=60) as client:
        requests = b"".join(callers.request(number, "slow", 1) for number in range(CALLS))
        sender = threading.Thread(target=client.sendall, args=(requests,), daemon=True)
        sender.start()
        numbers = {json.loads(wire.receive(client)).get("id") for _ in range(CALLS)}
        sender.join(60)
    return len(numbers)


def echo(client: socket.socket) -> object:
    client.sendall(callers.request(1, "echo", "still here"))
    return json.loads(wire.receive(client)).get("result")


def mutated(chance: random.Random) -> bytes:
    text = bytearray(b'{"jsonrpc":"2.0","id":1,"method":"echo","params":["\\ud83d text",[{}],1e9,null]}')
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(text))
        match chance.randrange(3):
            case 0: text[place] = chance.randrange(256)
            case 1: del text[place : place + chance.randrange(1, 20)]
            case 2: text[place:place] = chance.choice([b"[", b"{", b'"', b"\\", b"\x00", b"9" * 40, b"[" * 120])
        text = text or bytearray(b"{")
    return bytes(text)
