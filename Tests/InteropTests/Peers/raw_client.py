#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A socket that cuts its writes at random places, half-closes at the end and reads on until the server closes."""

import fcntl
import random
import selectors
import socket
import struct
import termios

import corpus

# Messages smaller than this together go out as one stream of bytes, so that a write may span many of them.
BATCH_LIMIT = 256 * 1024
READ_SIZE = 256 * 1024


class Peer:
    """One connection; replies are parsed during every wait, so that the two sides never wait for each other."""

    def __init__(self, address, seed):
        self.random = random.Random(seed)
        self.tally = corpus.Tally()
        self.expected = []
        self.received = bytearray()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(address)
        self.socket.setblocking(False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.socket, selectors.EVENT_READ)

    def exchange(self, bodies):
        self.expected += bodies
        stream = b"".join(corpus.frame(body) for body in bodies)
        start = 0
        for cut in self.cuts(bodies, len(stream)):
            self.write(stream[start:cut])
            start = cut
            if self.random.random() < 0.02:
                self.wait_until_read()
        while self.outstanding():
            self.wait(selectors.EVENT_READ)

    def outstanding(self):
        return self.tally.message_count < len(self.expected)

    def cuts(self, bodies, stream_length):
        """The ends of writes: for some messages after every byte of the header, else anywhere."""
        places = {stream_length}
        position = 0
        for body in bodies:
            if self.random.random() < (1 if len(bodies) < 100 else 0.05):
                places.update(range(position, position + 5))
            position += 4 + len(body)
        position = 0
        while position < stream_length:
            position += self.random.randint(1, self.random.choice((3, 300, 5_000, 200_000)))
            places.add(min(position, stream_length))
        return sorted(places - {0})

    def write(self, piece):
        while piece:
            try:
                piece = piece[self.socket.send(piece) :]
            except BlockingIOError:
                self.wait(selectors.EVENT_READ | selectors.EVENT_WRITE)

    def wait_until_read(self):
        """Makes one of the server's reads end exactly here: SIOCOUTQ counts the bytes that it has not read yet."""
        while struct.unpack("i", fcntl.ioctl(self.socket, termios.TIOCOUTQ, bytes(4)))[0] > 0:
            self.wait(selectors.EVENT_READ, timeout=0.001)

    def wait(self, events, timeout=None):
        self.selector.modify(self.socket, events)
        for _, ready in self.selector.select(timeout):
            if ready & selectors.EVENT_READ and not self.read():
                raise corpus.Failure(f"the server closed after {self.tally.message_count} replies")

    def read(self):
        """False at the end of the stream."""
        content = self.socket.recv(READ_SIZE)
        self.received += content
        while len(self.received) >= 4:
            end = 4 + struct.unpack_from("!I", self.received)[0]
            if end - 4 > corpus.LARGEST:
                raise corpus.Failure(f"reply {self.tally.message_count}: a header claims {end - 4} bytes")
            if len(self.received) < end:
                break
            if not self.outstanding():
                raise corpus.Failure("a message came back that nobody sent")
            self.tally.check(self.expected[self.tally.message_count], bytes(self.received[4:end]))
            del self.received[:end]
        return bool(content)

    def finish(self, bodies):
        """Half-closes right behind the last messages, before their replies."""
        self.expected += bodies
        self.write(b"".join(corpus.frame(body) for body in bodies))
        self.socket.shutdown(socket.SHUT_WR)
        while self.outstanding():
            self.wait(selectors.EVENT_READ)
        self.selector.modify(self.socket, selectors.EVENT_READ)
        self.selector.select()
        if self.read() or self.received:
            raise corpus.Failure("more bytes came back than were sent")


def batches(bodies):
    batch, size = [], 0
    for body in bodies:
        if batch and size + len(body) > BATCH_LIMIT:
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += len(body)
    yield batch


def exchange(arguments):
    peer = Peer(corpus.socket_address(arguments.address), arguments.seed)
    try:
        for batch in batches(corpus.singles()):
            peer.exchange(batch)
        bodies = corpus.pipelined()
        peer.exchange(bodies[:-100])
        peer.finish(bodies[-100:])
    except corpus.Failure as failure:
        raise corpus.Failure(f"{failure} (seed {arguments.seed})") from None
    return peer.tally


parser = corpus.parser(__doc__)
parser.add_argument("--seed", type=int, default=1, help="decides where writes are cut (default: 1)")
corpus.main(exchange, parser.parse_args())
