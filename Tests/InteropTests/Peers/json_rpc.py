# SPDX-License-Identifier: Apache-2.0
"""The common code of the JSON-RPC peers: command line, sockets and reports."""

import argparse
import os
import signal
import socket
import sys
from collections.abc import Callable


class Failure(Exception):
    """An unexpected message came."""


def connect(address: str) -> socket.socket:
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connected.connect(address)
    return connected


def accept(address: str) -> socket.socket:
    """Listens, reports it, and accepts the first client; then removes the name."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(address)
        listener.listen()
        print("listening", flush=True)
        connected, _ = listener.accept()
    os.unlink(address)
    return connected


def main(parser: argparse.ArgumentParser, roles: dict[str, Callable[[str], int]]) -> None:
    """Plays the role that the command line names, and prints the number of requests."""
    parser.add_argument("role", choices=roles)
    parser.add_argument("address", help="the path of a Unix socket")
    parser.add_argument("--timeout", type=int, default=30, help="seconds for the whole run (default: 30)")
    arguments = parser.parse_args()
    # The parent's signal mask was inherited; an alarm without a handler ends the process.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    signal.alarm(arguments.timeout)
    try:
        count = roles[arguments.role](arguments.address)
    except (Failure, OSError) as problem:
        print(f"{os.path.basename(sys.argv[0])}: {problem}", file=sys.stderr)
        sys.exit(1)
    print(f"ok {count} requests", flush=True)
