#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""python-lsp-jsonrpc, which Python's language server is made of, at either end: JSON-RPC behind Content-Length.

Debian's python3-pylsp-jsonrpc belongs to Debian's Python: hence no `env` in the first line.
"""

import argparse
import logging
import socket
import threading

import json_rpc
from pylsp_jsonrpc.endpoint import Endpoint
from pylsp_jsonrpc.exceptions import JsonRpcException
from pylsp_jsonrpc.streams import JsonRpcStreamReader, JsonRpcStreamWriter

REQUEST_COUNT = 200


class Peer:
    """An endpoint on a socket, whose reader has a thread of its own."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.released = threading.Event()
        self.ran: list[str] = []
        writer = JsonRpcStreamWriter(connected.makefile("wb"))
        self.last_id = 0
        # One worker, so that a second call of "block" waits and can be cancelled.
        self.endpoint = Endpoint(self.methods(), writer.write, id_generator=self.next_id, max_workers=1)
        self.reader = threading.Thread(
            target=JsonRpcStreamReader(connected.makefile("rb")).listen, args=[self.endpoint.consume], daemon=True
        )
        self.reader.start()

    def next_id(self) -> str:
        self.last_id += 1
        return f"id {self.last_id}"

    def methods(self) -> dict:
        return {
            "add": lambda params: params["left"] + params["right"],
            "double": lambda params: params[0] * 2,
            "divide": self.divide,
            "block": lambda params: lambda: self.block(params[0]),
            "release": lambda params: self.released.set(),
            "ran": lambda params: self.ran,
            "ask back": lambda params: lambda: self.ask("double", params) + 1,
        }

    def divide(self, params: dict) -> float:
        if params["right"] == 0:
            raise JsonRpcException("division by zero", code=7, data=[params["left"]])
        return params["left"] // params["right"]

    def block(self, name: str) -> str:
        self.ran.append(name)
        self.released.wait()
        return name

    def ask(self, method: str, params: object = None) -> object:
        return self.endpoint.request(method, params).result(timeout=30)

    def error_of(self, method: str, params: object = None) -> int:
        try:
            result = self.ask(method, params)
        except JsonRpcException as error:
            return error.code
        raise json_rpc.Failure(f"{method} gave {result}")


def expect(found: object, expected: object) -> None:
    if found != expected:
        raise json_rpc.Failure(f"{found!r} instead of {expected!r}")


def client(address: str) -> int:
    """Calls every method of the tests' server, and is called back."""
    peer = Peer(json_rpc.connect(address))
    futures = [peer.endpoint.request("add", {"left": i, "right": 1}) for i in range(REQUEST_COUNT)]
    expect([future.result(timeout=30) for future in futures], [i + 1 for i in range(REQUEST_COUNT)])
    expect(peer.ask("ping"), "pong")
    expect(peer.ask("ask back", [21]), 43)
    expect(peer.error_of("foobar"), -32601)
    expect(peer.error_of("add", {"left": "1"}), -32602)
    expect(peer.error_of("fail"), -32603)
    expect(peer.error_of("divide", {"left": 1, "right": 0}), 7)
    waiting = peer.endpoint.request("wait")
    peer.endpoint.notify("$/cancelRequest", {"id": f"id {peer.last_id}"})
    try:
        waiting.result(timeout=30)
        raise json_rpc.Failure("a cancelled request had a result")
    except JsonRpcException as error:
        expect(error.code, -32800)
    peer.endpoint.notify("note", ["the end"])
    expect(peer.ask("notes"), ["the end"])
    peer.socket.shutdown(socket.SHUT_RDWR)
    peer.reader.join()
    return peer.last_id


def server(address: str) -> int:
    """Answers one client until it goes."""
    peer = Peer(json_rpc.accept(address))
    peer.reader.join()
    return peer.last_id


if __name__ == "__main__":
    # It logs the errors that the tests make on purpose.
    logging.disable()
    json_rpc.main(argparse.ArgumentParser(description=__doc__), {"client": client, "server": server})
