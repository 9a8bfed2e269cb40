# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy between links and their broker, which does what a network does: it delays, stalls and breaks."""

from __future__ import annotations

import asyncio
import random

CHUNK = 1 << 16


class Proxy:
    """Listens on the loopback address. Bytes of a connection stay in order, as TCP has it.

    - delay: how long each byte is on its way, in one direction, in seconds.
    - stall: how long the bytes wait that seem to be lost and are sent again; one piece in `stall_rate` does.
    """

    def __init__(self, port: int, delay: float = 0, stall: float = 0, stall_rate: int = 20, seed: int = 1) -> None:
        self.port = port
        self.delay = delay
        self.stall = stall
        self.stall_rate = stall_rate
        self.chance = random.Random(seed)
        self.writers: list[asyncio.StreamWriter] = []
        self.tasks: set[asyncio.Task] = set()
        self.stalls = 0
        self.silent = asyncio.Event()
        self.silent.set()

    async def __aenter__(self) -> Proxy:
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", 0, limit=CHUNK)
        self.url = f"nats://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        self.break_all()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def break_all(self) -> None:
        """Resets every connection, both ends of it."""
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    def swallow(self) -> None:
        """Passes nothing on any more, and says nothing about it, as a cable that is cut does."""
        self.silent.clear()

    def go_on(self) -> None:
        """Passes on again, also what has come meanwhile."""
        self.silent.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port, limit=CHUNK)
        except OSError:
            writer.transport.abort()
            return
        self.writers += [writer, far_writer]
        for task in (self.pass_on(reader, far_writer), self.pass_on(far_reader, writer)):
            self.tasks.add(asyncio.create_task(task))

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clock = asyncio.get_running_loop().time
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=256)
        sending = asyncio.create_task(self.send(waiting, writer))
        self.tasks.add(sending)
        earliest = 0.0
        try:
            while piece := await reader.read(CHUNK):
                due = clock() + self.delay
                if self.stall and self.chance.randrange(self.stall_rate) == 0:
                    self.stalls += 1
                    due += self.stall
                # What follows a lost piece waits for it.
                earliest = max(earliest, due)
                await waiting.put((earliest, piece))
        except OSError:
            pass
        await waiting.put((0, b""))
        await sending

    async def send(self, waiting: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        clock = asyncio.get_running_loop().time
        broken = False
        while True:
            due, piece = await waiting.get()
            if not piece:
                break
            await asyncio.sleep(max(0, due - clock()))
            await self.silent.wait()
            if broken:
                continue
            try:
                writer.write(piece)
                await writer.drain()
            except OSError:
                broken = True
        writer.close()
