#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends files with socket.send_fds, as multiprocessing's reduction does, and gets them back with socket.recv_fds."""

import argparse
import os
import socket
import struct
import tempfile

ENVELOPE = struct.Struct(">IB")


def send(connection, message, descriptors):
    frame = ENVELOPE.pack(len(message), len(descriptors)) + message
    if descriptors:
        sent = socket.send_fds(connection, [frame], descriptors)
    else:
        sent = connection.send(frame)
    connection.sendall(frame[sent:])


def receive(connection):
    """One message and its descriptors; the kernel hands them over with the first byte that it reads."""
    received, descriptors = b"", []
    while len(received) < ENVELOPE.size or len(received) < ENVELOPE.size + ENVELOPE.unpack_from(received)[0]:
        part, more, flags, _ = socket.recv_fds(connection, 1, 253)
        if not part or flags & socket.MSG_CTRUNC:
            raise SystemExit(f"the stream ended, or descriptors were lost (flags {flags})")
        received += part
        descriptors += more
    length, count = ENVELOPE.unpack_from(received)
    if len(descriptors) != count:
        raise SystemExit(f"{count} descriptors announced, {len(descriptors)} received")
    return received[ENVELOPE.size :], descriptors


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--timeout", type=float, default=60)
    arguments = parser.parse_args()
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(arguments.address)
    connection.settimeout(arguments.timeout)
    for count in (0, 1, 4, 0, 2):
        files = [tempfile.TemporaryFile() for _ in range(count)]
        for index, file in enumerate(files):
            file.write(f"file {index}".encode())
            file.flush()
        message = b"m" * (1000 * count)
        send(connection, message, [file.fileno() for file in files])
        reply, descriptors = receive(connection)
        if reply != message:
            raise SystemExit("another message came back")
        for file, descriptor in zip(files, descriptors, strict=True):
            if os.fstat(file.fileno()).st_ino != os.fstat(descriptor).st_ino or descriptor == file.fileno():
                raise SystemExit("another file came back")
            os.close(descriptor)
    print("7 files came back")


main()
