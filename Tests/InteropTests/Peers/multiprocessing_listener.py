#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Python's own message pipe, `multiprocessing.connection.Listener`, as an echo server.

Prints `listening` when clients may connect. After the last client has gone, the report: all messages of all
connections, the digest being the sum of the connections' digests.
"""

from multiprocessing.connection import Listener

import corpus


def serve(arguments):
    tallies = []
    ended = []
    # The default backlog of 1 stays: a client that connects without blocking may get EAGAIN, as with any such server.
    with Listener(corpus.socket_address(arguments.address), "AF_UNIX", authkey=None) as listener:
        print("listening", flush=True)
        for _ in range(arguments.connections):
            connection, tally = listener.accept(), corpus.Tally()
            tallies.append(tally)
            ended.append(corpus.in_background(lambda connection=connection, tally=tally: echo(connection, tally)))
        for wait in ended:
            wait()
    return total(tallies)


def echo(connection, tally):
    with connection:
        while True:
            try:
                body = connection.recv_bytes()
            except EOFError:
                return
            tally.add(body)
            connection.send_bytes(body)


def total(tallies):
    result = corpus.Tally()
    for tally in tallies:
        result.message_count += tally.message_count
        result.byte_count += tally.byte_count
        result.digest = (result.digest + tally.digest) & 0xFFFF_FFFF
    return result


parser = corpus.parser(__doc__)
parser.add_argument("--connections", type=int, default=1, help="clients to serve before the end (default: 1)")
corpus.main(serve, parser.parse_args())
