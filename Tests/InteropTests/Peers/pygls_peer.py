#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""pygls, which language servers in Python are made of, as a server behind Content-Length."""

import argparse
import logging

import from_index  # noqa: F401
import json_rpc
from pygls.lsp.server import LanguageServer

count = 0
language_server = LanguageServer("peer", "1")


@language_server.feature("add")
def add(params):
    global count
    count += 1
    return params.left + params.right


@language_server.feature("ask back")
async def ask_back(params):
    global count
    count += 1
    return 1 + await language_server.protocol.send_request_async("double", [21])


def server(address: str) -> int:
    """Answers one client until it goes."""
    connected = json_rpc.accept(address)
    language_server.start_io(connected.makefile("rb"), connected.makefile("wb"))
    return count


if __name__ == "__main__":
    logging.disable()
    json_rpc.main(argparse.ArgumentParser(description=__doc__), {"server": server})
