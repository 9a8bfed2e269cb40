# SPDX-License-Identifier: Apache-2.0
"""What the JSON-RPC peers share: their command line, their sockets and how they report."""

import argparse
import os
import signal
import socket
import sys
from collections.abc import Callable


class Failure(Exception):
    """Something else came than was expected."""


def connect(address: str) -> socket.socket:
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connected.connect(address)
    return connected


def accept(address: str) -> socket.socket:
    """Listens, says so, and takes the first client; the name goes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(address)
        listener.listen()
        print("listening", flush=True)
        connected, _ = listener.accept()
    os.unlink(address)
    return connected


def main(parser: argparse.ArgumentParser, roles: dict[str, Callable[[str], int]]) -> None:
    """Plays the role that the command line names, and prints how many requests that took."""
    parser.add_argument("role", choices=roles)
    parser.add_argument("address", help="the path of a Unix socket")
    parser.add_argument("--timeout", type=int, default=30, help="seconds for the whole run (default: 30)")
    arguments = parser.parse_args()
    # The parent's signal mask came with us; an alarm that nobody handles ends the process.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    signal.alarm(arguments.timeout)
    try:
        count = roles[arguments.role](arguments.address)
    except (Failure, OSError) as problem:
        print(f"{os.path.basename(sys.argv[0])}: {problem}", file=sys.stderr)
        sys.exit(1)
    print(f"ok {count} requests", flush=True)
