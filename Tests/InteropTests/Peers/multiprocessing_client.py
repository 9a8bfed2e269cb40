#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Python's own message pipe, `multiprocessing.connection.Client`, against an echo server."""

from multiprocessing.connection import Client

import corpus


def exchange(arguments):
    tally = corpus.Tally()
    with Client(corpus.socket_address(arguments.address), "AF_UNIX", authkey=None) as connection:
        for body in corpus.singles():
            # At the same time, because an echo may answer a large message before it has read all of it.
            sent = corpus.in_background(lambda: connection.send_bytes(body))
            tally.check(body, receive(connection, tally))
            sent()
        bodies = corpus.pipelined()
        sent = corpus.in_background(lambda: send_all(connection, bodies))
        for body in bodies:
            tally.check(body, receive(connection, tally))
        sent()
    return tally


def receive(connection, tally):
    try:
        return connection.recv_bytes()
    except EOFError:
        raise corpus.Failure(f"the server closed after {tally.message_count} replies") from None


def send_all(connection, bodies):
    for body in bodies:
        connection.send_bytes(body)


corpus.main(exchange, corpus.parser(__doc__).parse_args())
