#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""JSON-RPC by hand, from the specification and Python's json alone: a line for each message, with batches."""

import argparse
import json
import socket

import json_rpc


class Lines:
    """A socket as two streams: one stream for both directions would lose its read-ahead when it writes."""

    def __init__(self, connected: socket.socket) -> None:
        self.incoming = connected.makefile("r", encoding="utf-8", newline="\n")
        self.outgoing = connected.makefile("w", encoding="utf-8", newline="\n")

    def write(self, text: str) -> None:
        self.outgoing.write(text + "\n")
        self.outgoing.flush()


def exchange(lines: Lines, text: str) -> object:
    lines.write(text)
    return json.loads(lines.incoming.readline())


def code(reply: dict) -> int:
    return reply["error"]["code"]


def expect(found: object, expected: object) -> None:
    if found != expected:
        raise json_rpc.Failure(f"{found!r} instead of {expected!r}")


def client(address: str) -> int:
    """The examples of the specification's section 7, against the tests' server."""
    lines = Lines(json_rpc.connect(address))
    reply = exchange(lines, '{"jsonrpc": "2.0", "method": "add", "params": {"right": 23, "left": 42}, "id": 3}')
    expect(reply, {"jsonrpc": "2.0", "result": 65, "id": 3})
    expect(code(exchange(lines, '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}')), -32601)
    expect(code(exchange(lines, '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]')), -32700)
    expect(code(exchange(lines, '{"jsonrpc": "2.0", "method": 1, "params": "bar"}')), -32600)
    expect(code(exchange(lines, '[{"jsonrpc": "2.0", "method": "add", "id": "1"},{"jsonrpc": "2.0", "method"]')), -32700)
    expect(code(exchange(lines, "[]")), -32600)
    expect([code(reply) for reply in exchange(lines, "[1,2,3]")], [-32600] * 3)
    batch = [
        {"jsonrpc": "2.0", "method": "add", "params": {"left": 1, "right": 2}, "id": "1"},
        {"jsonrpc": "2.0", "method": "note", "params": ["é😀\u2028"]},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "notes", "id": "9"},
    ]
    replies = {reply["id"]: reply for reply in exchange(lines, json.dumps(batch))}
    expect(set(replies), {"1", None, "5", "9"})
    expect(replies["1"]["result"], 3)
    expect(replies["9"]["result"], ["é😀\u2028"])
    # Notifications alone have no answer, so the next line is the next request's.
    lines.write('[{"jsonrpc": "2.0", "method": "note", "params": ["again"]}]')
    expect(exchange(lines, '{"jsonrpc": "2.0", "method": "ping", "id": 7}')["result"], "pong")
    return 10


def answer(call: dict) -> dict | None:
    """The reply to one call; None for a notification."""
    if "id" not in call:
        return None
    reply = {"jsonrpc": "2.0", "id": call["id"]}
    match call["method"]:
        case "add":
            return reply | {"result": call["params"]["left"] + call["params"]["right"]}
        case "divide":
            return reply | {"error": {"code": 7, "message": "division by zero", "data": [call["params"]["left"]]}}
        case _:
            return reply | {"error": {"code": -32601, "message": "Method not found"}}


def server(address: str) -> int:
    """Answers one client until it goes; batches from the last call to the first."""
    lines = Lines(json_rpc.accept(address))
    count = 0
    for line in lines.incoming:
        message = json.loads(line)
        calls = message if isinstance(message, list) else [message]
        replies = [reply for call in reversed(calls) if (reply := answer(call))]
        count += len(replies)
        if replies:
            lines.write(json.dumps(replies if isinstance(message, list) else replies[0]))
    return count


if __name__ == "__main__":
    json_rpc.main(argparse.ArgumentParser(description=__doc__), {"client": client, "server": server})
