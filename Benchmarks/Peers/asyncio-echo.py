# SPDX-License-Identifier: Apache-2.0
"""Python's asyncio: a protocol that walks the frames of each chunk and writes their replies together.

A protocol rather than streams, which await every message and write every reply by itself.
"""

import argparse
import asyncio
import resource
from pathlib import Path

MAXIMUM_MESSAGE = 16 << 20


def handle(message: bytes, replies: list[bytes]) -> None:
    """The handler: answers a message with the same message."""
    replies += (len(message).to_bytes(4, "big"), message)


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        # The chunks of an unfinished frame are joined once, when it is complete.
        self.chunks: list[bytes] = []
        self.count = 0
        self.needed = 4

    def data_received(self, data: bytes) -> None:
        self.chunks.append(data)
        self.count += len(data)
        if self.count < self.needed:
            return
        received = b"".join(self.chunks)
        replies: list[bytes] = []
        rest = received[self.walk(received, replies) :]
        self.chunks = [rest] if rest else []
        self.count = len(rest)
        if replies:
            self.transport.write(b"".join(replies))

    def walk(self, received: bytes, replies: list[bytes]) -> int:
        """Hands on the whole frames; returns how many bytes they were."""
        offset = 0
        self.needed = 4
        while len(received) - offset >= 4:
            length = int.from_bytes(received[offset : offset + 4], "big")
            if length > MAXIMUM_MESSAGE:
                self.transport.abort()
                break
            end = offset + 4 + length
            if end > len(received):
                self.needed = 4 + length
                break
            handle(received[offset + 4 : end], replies)
            offset = end
        return offset

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()


async def serve(path: str) -> None:
    server = await asyncio.get_running_loop().create_unix_server(Echo, path, backlog=4096)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("socket", help="the path to listen on")
    path = parser.parse_args().socket
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    Path(path).unlink(missing_ok=True)
    asyncio.run(serve(path))


if __name__ == "__main__":
    main()
