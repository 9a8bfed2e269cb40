#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""json-rpc, which refuses members that it does not know, as a server by lines."""

import argparse
import logging

import from_index  # noqa: F401
import json_rpc
from jsonrpc import JSONRPCResponseManager
from jsonrpc.exceptions import JSONRPCDispatchException


def divide(left, right, _meta=None):
    raise JSONRPCDispatchException(code=7, message="division by zero", data=[left])


METHODS = {
    "add": lambda left, right, _meta=None: left + right,
    "traced": lambda _meta=None: _meta,
    "divide": divide,
}


def server(address: str) -> int:
    """Answers one client until it goes."""
    connected = json_rpc.accept(address)
    count = 0
    for line in connected.makefile("r", encoding="utf-8"):
        count += 1
        if reply := JSONRPCResponseManager.handle(line, METHODS):
            connected.sendall(reply.json.encode() + b"\n")
    return count


if __name__ == "__main__":
    logging.disable()
    json_rpc.main(argparse.ArgumentParser(description=__doc__), {"server": server})
