# SPDX-License-Identifier: Apache-2.0
"""The behaviour of JSON-RPC clients, good and bad, each on a connection of its own. True: the connection is to linger."""

from __future__ import annotations

import json
import random
import socket

from hostile import wire


def request(number: object, method: str, params: object) -> bytes:
    return wire.frame(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": [params]}).encode())


def call_in_order(client: socket.socket, chance: random.Random) -> bool:
    count = chance.randrange(1, 30)
    texts = ["?" * chance.randrange(2_000) for _ in range(count)]
    expected = {number: [text] for number, text in enumerate(texts)}
    client.sendall(b"".join(request(number, "echo", text) for number, text in enumerate(texts)))
    replies = [json.loads(wire.receive(client)) for _ in range(count)]
    if {reply["id"]: reply.get("result") for reply in replies} != expected:
        raise AssertionError("not what was asked")
    return chance.random() < 0.3


def call_and_vanish(client: socket.socket, chance: random.Random) -> bool:
    """More requests than are handled at a time, some of them cancelled."""
    count = chance.randrange(1, 200)
    client.sendall(b"".join(request(number, "slow", chance.randrange(500)) for number in range(count)))
    for number in chance.sample(range(count), count // 2):
        cancel = {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": number}}
        client.sendall(wire.frame(json.dumps(cancel).encode()))
    return chance.random() < 0.2


def never_answer(client: socket.socket, chance: random.Random) -> bool:
    client.sendall(b"".join(request(number, "back", "?") for number in range(chance.randrange(1, 20))))
    return chance.random() < 0.5


def answer_unasked(client: socket.socket, chance: random.Random) -> bool:
    reply = {"jsonrpc": "2.0", "id": chance.choice([1, "1", 1.5, None]), "result": None}
    client.sendall(wire.frame(json.dumps(reply).encode()) * chance.randrange(1, 20))
    return False


def talk_nonsense(client: socket.socket, chance: random.Random) -> bool:
    texts = [b"{", b"[]", b"null", b"[" * 500, b'{"jsonrpc":"2.0","id":1}', chance.randbytes(200), b'[1,{"id":2}]']
    for _ in range(chance.randrange(1, 20)):
        client.sendall(wire.frame(chance.choice(texts)))
    return chance.random() < 0.3


def note_without_end(client: socket.socket, chance: random.Random) -> bool:
    note = json.dumps({"jsonrpc": "2.0", "method": "note", "params": ["x" * chance.randrange(5_000)]}).encode()
    client.sendall(wire.frame(note) * chance.randrange(1, 300))
    return False


CALLERS = [call_in_order, call_and_vanish, never_answer, answer_unasked, talk_nonsense, note_without_end]
