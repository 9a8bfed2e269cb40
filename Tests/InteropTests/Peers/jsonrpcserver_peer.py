#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""jsonrpcserver, which checks each request against a schema, as a server by lines."""

import argparse
import logging

import from_index  # noqa: F401
import json_rpc
from jsonrpcserver import Error, Success, dispatch

METHODS = {
    "add": lambda left, right, _meta=None: Success(left + right),
    "traced": lambda _meta=None: Success(_meta),
    "divide": lambda left, right, _meta=None: Error(7, "division by zero", [left]),
}


def server(address: str) -> int:
    """Answers one client until it goes."""
    connected = json_rpc.accept(address)
    count = 0
    for line in connected.makefile("r", encoding="utf-8"):
        count += 1
        if reply := dispatch(line, methods=METHODS):
            connected.sendall(reply.encode() + b"\n")
    return count


if __name__ == "__main__":
    logging.disable()
    json_rpc.main(argparse.ArgumentParser(description=__doc__), {"server": server})
