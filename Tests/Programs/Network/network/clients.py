# SPDX-License-Identifier: Apache-2.0
"""Clients of a local name: each sends numbered messages, checks every answer, and comes again when it is cut off."""

from __future__ import annotations

import asyncio
import struct
import time
from dataclasses import dataclass, field

# How long a client waits before it connects again, in seconds.
PAUSE = 0.05


@dataclass
class Count:
    """What happened to a client."""

    answered: int = 0
    wrong: int = 0
    endings: int = 0
    last_answer: float = 0
    """When the last answer came (time.monotonic())."""
    longest_wait: float = 0
    """The longest time without an answer, in seconds, of a client that always has a question."""
    ended_at: list[float] = field(default_factory=list)


class Client:
    """A client with one message on the way, as long as it runs."""

    def __init__(self, path: str, number: int, size: int = 64, limit: int | None = None) -> None:
        self.path = path
        self.number = number
        self.size = size
        self.limit = limit
        self.count = Count()
        self.sent = 0

    def message(self) -> bytes:
        """The next message, which no other client and no earlier one has."""
        self.sent += 1
        head = f"{self.number}.{self.sent}.".encode()
        return (head * (self.size // len(head) + 1))[:max(self.size, len(head))]

    async def run(self) -> None:
        self.count.last_answer = time.monotonic()
        while self.limit is None or self.count.answered < self.limit:
            try:
                reader, writer = await asyncio.open_unix_connection(self.path)
            except OSError:
                await asyncio.sleep(PAUSE)
                continue
            try:
                await self.talk(reader, writer)
            except (asyncio.IncompleteReadError, OSError):
                self.count.endings += 1
                self.count.ended_at.append(time.monotonic())
                await asyncio.sleep(PAUSE)
            finally:
                writer.close()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while self.limit is None or self.count.answered < self.limit:
            message = self.message()
            writer.write(struct.pack(">I", len(message)) + message)
            (length,) = struct.unpack(">I", await reader.readexactly(4))
            answer = await reader.readexactly(length)
            now = time.monotonic()
            self.count.longest_wait = max(self.count.longest_wait, now - self.count.last_answer)
            self.count.last_answer = now
            self.count.answered += 1
            self.count.wrong += answer != message


class Crowd:
    """Clients in tasks of the running event loop, which end with the block."""

    def __init__(self, path: str, count: int, size: int = 64, limit: int | None = None) -> None:
        self.clients = [Client(path, number, size, limit) for number in range(count)]

    async def __aenter__(self) -> Crowd:
        self.tasks = [asyncio.create_task(client.run()) for client in self.clients]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        # What a client did not expect is an error of the run.
        for result in await asyncio.gather(*self.tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    async def finish(self, patience: float) -> None:
        """Waits until each client has all its answers."""
        await asyncio.wait_for(asyncio.gather(*self.tasks), patience)

    async def all_answered(self, since: float, patience: float) -> float:
        """Waits until each client has had an answer after that time; returns how long after it the last one came."""
        deadline = time.monotonic() + patience
        while any(client.count.last_answer <= since for client in self.clients):
            if time.monotonic() > deadline:
                return float("inf")
            await asyncio.sleep(0.01)
        return time.monotonic() - since

    @property
    def answered(self) -> int:
        return sum(client.count.answered for client in self.clients)

    @property
    def wrong(self) -> int:
        return sum(client.count.wrong for client in self.clients)

    @property
    def endings(self) -> int:
        return sum(client.count.endings for client in self.clients)

    @property
    def longest_wait(self) -> float:
        now = time.monotonic()
        return max(max(client.count.longest_wait, now - client.count.last_answer) for client in self.clients)

    def ended_after(self, since: float) -> list[float]:
        """How long after that time each client was first cut off, in seconds; without those that were not."""
        return [min(times) - since for client in self.clients
                if (times := [time for time in client.count.ended_at if time > since])]
