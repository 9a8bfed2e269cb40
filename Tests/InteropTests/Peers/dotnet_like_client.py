#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a .NET program does that speaks StreamJsonRpc over a NamedPipeClientStream, without .NET.

- The path: PipeStream.Unix.cs, GetPipePath. A rooted name is the path itself, any other becomes
  Path.GetTempPath() + "CoreFxPipe_" + name; Path.Unix.cs takes the directory from TMPDIR, else /tmp/.
- Connecting: NamedPipeClientStream.cs, ConnectInternal, and NamedPipeClientStream.Unix.cs, TryConnect. A server that is
  not there yet (SocketError.AddressAlreadyInUse, AddressNotAvailable, ConnectionRefused) is asked again until the
  timeout, everything else fails at once. ENOENT is an AddressNotAvailable there.
  Both: github.com/dotnet/runtime, src/libraries/System.IO.Pipes/src/System/IO/Pipes
- The frames: LengthHeaderMessageHandler.cs, Write: a big-endian Int32, then the content, through a PipeWriter, which
  hands the stream its segments of 4,096 bytes one by one (PipeStream.Unix.cs, WriteAsyncCore: a send per segment).
  github.com/microsoft/vs-streamjsonrpc, src/StreamJsonRpc

The contents are the corpus instead of JSON-RPC: the handler does not look into them either.
"""

import errno
import os
import socket
import struct
import time

import corpus

RETRYABLE = {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.ENOENT, errno.ECONNREFUSED}
SEGMENT_SIZE = 4_096


def pipe_path(name):
    if name.startswith("/"):
        return name
    directory = os.environ.get("TMPDIR") or "/tmp/"
    return directory + ("" if directory.endswith("/") else "/") + "CoreFxPipe_" + name


def connect(path):
    """Tries until the server exists; the run's alarm is the timeout."""
    while True:
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            stream.connect(path)
            return stream
        except OSError as error:
            stream.close()
            if error.errno not in RETRYABLE:
                raise corpus.Failure(f"{path}: {error.strerror}") from None
        time.sleep(0.001)  # SpinWait.SpinOnce, after its first rounds


def write(stream, body):
    content = corpus.frame(body)
    for start in range(0, len(content), SEGMENT_SIZE):
        stream.sendall(content[start : start + SEGMENT_SIZE])


def read_exactly(stream, count, tally):
    content = bytearray(count)
    view, start = memoryview(content), 0
    while start < count:
        read = stream.recv_into(view[start:])
        if read == 0:
            raise corpus.Failure(f"the server closed after {tally.message_count} replies")
        start += read
    return bytes(content)


def read(stream, tally):
    (length,) = struct.unpack("!i", read_exactly(stream, 4, tally))
    if not 0 <= length <= corpus.LARGEST:
        raise corpus.Failure(f"reply {tally.message_count}: a header claims {length} bytes")
    return read_exactly(stream, length, tally)


def write_all(stream, bodies):
    for body in bodies:
        write(stream, body)


def exchange(arguments):
    tally = corpus.Tally()
    with connect(pipe_path(arguments.name)) as stream:
        for bodies in [[body] for body in corpus.singles()] + [corpus.pipelined()]:
            written = corpus.in_background(lambda: write_all(stream, bodies))
            for body in bodies:
                tally.check(body, read(stream, tally))
            written()
    return tally


corpus.main(exchange, corpus.parser(__doc__, "name").parse_args())
