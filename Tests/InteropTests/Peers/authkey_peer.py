# SPDX-License-Identifier: Apache-2.0
"""A peer with an authkey, from Python's own multiprocessing.connection: it doubles the messages that it gets, or has its
messages doubled. A rejected key is printed."""
import argparse
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener

parser = argparse.ArgumentParser()
parser.add_argument("role", choices=["listener", "client"])
parser.add_argument("address")
parser.add_argument("key")
parser.add_argument("--timeout", type=float, default=60)
options = parser.parse_args()
key = options.key.encode()

try:
    if options.role == "listener":
        with Listener(options.address, "AF_UNIX", authkey=key) as listener:
            print("listening", flush=True)
            with listener.accept() as connection:
                message = connection.recv_bytes()
                connection.send_bytes(message + message)
    else:
        with Client(options.address, "AF_UNIX", authkey=key) as connection:
            connection.send_bytes(b"hello")
            assert connection.recv_bytes() == b"hellohello"
    print("ok")
except AuthenticationError as error:
    print(error)
