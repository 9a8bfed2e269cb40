# SPDX-License-Identifier: Apache-2.0
"""31, 32: lengths that lie. 33: bytes that trickle. 38: a client that never reads. 72, 95: hoarders of a whole budget."""

from __future__ import annotations

import contextlib
import struct
import threading
import time
from typing import Iterator

from hostile import wire
from hostile.bystander import Bystander
from hostile.figures import Figure, at_most, exactly
from hostile.processes import Context, target

GIB = 1 << 30


def lengths(context: Context) -> list[Figure]:
    """Lengths at every edge: delivered, or refused with the header's last byte."""
    path = context.name("lengths")
    outcomes = []
    with target(context, path, "maximumMessage=100000") as server:
        for length in (0, 1, 100_000):
            with wire.connect(path) as client:
                outcomes.append(wire.ask(client, b"x" * length) == b"x" * length)
        before = server.settled("resident")
        for length in (100_001, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
            with wire.connect(path, timeout=2) as client:
                rest = struct.pack(">Q", 1 << 62) if length == 0xFFFFFFFF else b""
                client.sendall(struct.pack(">I", length) + rest)
                outcomes.append(wire.is_ended(client))
        growth = server.settled("resident") - before
        endings = wire.statistics(path)["endings"]
    return [
        exactly("31", "0, 1 and max delivered; max + 1 and above refused", outcomes, [True] * 7),
        exactly("31", "refused as framing errors", endings.get("framing", 0), 4),
        at_most("31", "memory for refused lengths", growth / 1024, 256, "KiB", "a read buffer is 224 KiB"),
    ]


def announcements(context: Context) -> list[Figure]:
    """Many clients that announce a large message and send a byte; a few that announce a GiB."""
    path = context.name("announce")
    count = context.count(2000, 10_000)
    with target(context, path) as server:
        before = server.settled("resident")
        clients = [wire.connect(path) for _ in range(count)]
        idle = server.settled("resident")
        for client in clients:
            client.sendall(struct.pack(">I", 16 << 20) + b"x")
        loaded = server.settled("resident")
        for client in clients:
            client.close()
    with target(context, path, f"maximumMessage={2 * GIB}") as server:
        few = server.settled("virtual")
        resident = server.settled("resident")
        clients = [wire.connect(path) for _ in range(20)]
        for client in clients:
            client.sendall(struct.pack(">I", GIB) + b"x")
        virtual_growth = server.settled("virtual") - few
        resident_growth = server.settled("resident") - resident
    return [
        at_most("32", f"memory of each of {count:,} who announce 16 MiB and send 1 byte", (loaded - idle) / count,
                4096, "B", f"and {(idle - before) / count:,.0f} B for being connected"),
        at_most("32", "address space of each of 20 who announce 1 GiB", virtual_growth / 20 / 1024, 64, "KiB"),
        at_most("32", "memory of each of 20 who announce 1 GiB", resident_growth / 20 / 1024, 64, "KiB"),
    ]


def slow_loris(context: Context) -> list[Figure]:
    """Sends a byte now and then, inside a header and inside a body."""
    path = context.name("loris")
    deadline = 1.0
    with target(context, path, f"frameDeadline={int(deadline * 1000)}") as server, Bystander(path) as bystander:
        usual = bystander.unloaded()
        clients = {wire.connect(path): None for _ in range(100)}
        start = time.monotonic()
        position = 0
        while time.monotonic() - start < 4 * deadline and None in clients.values():
            for index, (client, ended) in enumerate(clients.items()):
                # Half of them never get past the header, because they began late in it.
                byte = (b"\x00\x00\x40\x00" + b"x" * 1000)[position : position + 1] if index % 2 else b"\x00"
                if ended is None and (index % 2 or position < 3):
                    try:
                        client.send(byte)
                    except OSError:
                        clients[client] = time.monotonic() - start
                if ended is None and clients[client] is None:
                    clients[client] = ended_at(client, start)
            position += 1
            time.sleep(0.1)
        felt = bystander.measure()
        endings = wire.statistics(path)["endings"]
        alive = server.is_alive
    times = [ended for ended in clients.values() if ended is not None]
    return [
        exactly("33", "slow lorises that were ended", len(times), 100),
        exactly("33", "and for that reason", endings.get("frameTimeout", 0), 100),
        exactly("33", "none before its deadline of 1 s", all(ended >= deadline for ended in times), True),
        at_most("33", "the last of them after", max(times, default=99), 2.5 * deadline, "s"),
        at_most("33", "slow lorises: a bystander's p99", felt.p99, 5 + usual.p99, "ms", f"{felt}; unloaded {usual}"),
        exactly("33", "the server lives", alive, True),
    ]


def ended_at(client: object, start: float) -> float | None:
    client.settimeout(0)
    try:
        return time.monotonic() - start if client.recv(1) == b"" else None
    except BlockingIOError:
        return None
    except OSError:
        return time.monotonic() - start
    finally:
        client.settimeout(10)


def never_reads(context: Context) -> list[Figure]:
    """Requests more than fits, and reads nothing."""
    path = context.name("deaf")
    cap = 8 << 20
    settings = ("mode=push", f"sendQueueLimit={cap}", "highWaterMark=1048576", "writeStallDeadline=2000")
    with target(context, path, *settings) as server, Bystander(path, wait_only) as bystander:
        usual = bystander.unloaded()
        before = server.settled("resident")
        client = wire.connect(path)
        client.sendall(wire.frame(b"push"))
        peak = before
        start = time.monotonic()
        ended = None
        while time.monotonic() - start < 6 and ended is None:
            try:
                client.sendall(wire.frame(b"push"))
            except OSError:
                ended = time.monotonic() - start
            peak = max(peak, server.resident)
            time.sleep(0.02)
        felt = bystander.measure()
        endings = wire.statistics(path)["endings"]
    return [
        at_most("38", "memory for one who never reads, of a queue of 8 MiB", (peak - before) / (1 << 20),
                1.1 * cap / (1 << 20), "MiB"),
        at_most("38", "disconnected after, with a deadline of 2 s", ended or 99, 5, "s"),
        exactly("38", "as a stalled write", endings.get("writeStalled", 0), 1),
        at_most("38", "never reads: a bystander's p99", felt.p99, 5 + usual.p99, "ms", f"{felt}; unloaded {usual}"),
    ]


def hoarders(context: Context) -> list[Figure]:
    """Frames without their last byte, or unread answers, until the whole budget is used up."""
    figures = []
    for kind, hoard in (("unfinished messages", unfinished), ("unread answers", unread)):
        path = context.name("hoard")
        settings = ("byteBudget=16777216", "maximumMessage=1048576")
        with target(context, path, *settings) as server, Bystander(path) as bystander:
            usual = bystander.unloaded()
            clients = [wire.connect(path, timeout=2) for _ in range(24)]
            for client in clients:
                hoard(client)
            time.sleep(0.2)
            served = [in_two_pieces(path, size) for size in (2000, 3000, 20_000, 100_000)]
            felt = bystander.measure()
            ended = wire.statistics(path)["endings"].get("budgetExceeded", 0)
            alive = server.is_alive
            for client in clients:
                client.close()
        figures += [
            exactly("72", f"{kind} on the whole budget: bystanders' messages in two pieces served", served, [True] * 4),
            exactly("72", f"{kind}: hoarders were ended, but not all", 0 < ended < 24, True),
            at_most("72", f"{kind}: a bystander's p99", felt.p99, 5 + usual.p99, "ms", f"{felt}; unloaded {usual}"),
            exactly("72", f"{kind}: the server lives", alive, True),
        ]
    return figures


def hoarders_at_handlers(context: Context) -> list[Figure]:
    """More messages than an async handler takes, from clients that come again when they are ended."""
    path = context.name("handlers")
    settings = ("byteBudget=4194304", "maximumMessage=1048576", "neighbours=true", "asyncDelay=1")
    with target(context, path, *settings) as server, Bystander(path) as bystander:
        usual = bystander.unloaded()
        attacked = path + ".async"
        wire.connect_when_there(attacked).close()
        with flooded(attacked, 24) as endings:
            served = [in_two_pieces(attacked, size, patience=30) for size in (2000, 3000, 20_000, 100_000)]
            served.append(at_once(attacked, 20))
            felt = bystander.measure()
        alive = server.is_alive
    kind = "messages for a slow handler"
    return [
        exactly("95", f"{kind} on the whole budget: bystanders' messages served", served, [True] * 5),
        exactly("95", f"{kind}: hoarders were ended", len(endings) > 0, True),
        at_most("95", f"{kind}: a bystander's p99", felt.p99, 5 + usual.p99, "ms", f"{felt}; unloaded {usual}"),
        exactly("95", f"{kind}: the server lives", alive, True),
    ]


@contextlib.contextmanager
def flooded(path: str, count: int) -> Iterator[list[OSError]]:
    """Clients that send as much as is taken, and read nothing. For each that was ended, its error, and another comes.

    The block begins once the first was ended."""
    endings: list[OSError] = []
    has_begun, is_over = threading.Event(), threading.Event()
    block = wire.frame(b"h" * 1000) * 10

    def flood() -> None:
        clients = [Flooder(path, block) for _ in range(count)]
        while not is_over.is_set():
            for index, client in enumerate(clients):
                error = client.push()
                if error is not None:
                    endings.append(error)
                    has_begun.set()
                    clients[index] = Flooder(path, block)
            time.sleep(0.0005)
        for client in clients:
            client.socket.close()

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        has_begun.wait(30)
        yield endings
    finally:
        is_over.set()
        thread.join()


class Flooder:
    """Sends the same block again and again."""

    def __init__(self, path: str, block: bytes) -> None:
        self.socket = wire.connect(path)
        self.socket.setblocking(False)
        self.block = block
        self.rest = block

    def push(self) -> OSError | None:
        """Sends what is taken now; the error if the server has ended the connection, which is closed then."""
        try:
            self.rest = self.rest[self.socket.send(self.rest) :] or self.block
        except BlockingIOError:
            pass
        except OSError as error:
            self.socket.close()
            return error
        return None


def unfinished(client: object) -> None:
    give_all(client, wire.frame(b"h" * 1_048_000)[:-1])


def unread(client: object) -> None:
    give_all(client, wire.frame(b"h" * 65_536) * 40)


def give_all(client: object, stream: bytes) -> None:
    """Sends as much as the server takes within a moment."""
    client.settimeout(0.1)
    try:
        client.sendall(stream)
    except OSError:
        pass


def in_two_pieces(path: str, size: int, patience: float = 5.0) -> bool | str:
    """Whether the answer is the question; if there is none, why."""
    message = wire.frame(b"y" * size)
    with wire.connect(path, timeout=patience) as client:
        try:
            client.sendall(message[:1000])
            time.sleep(0.05)
            client.sendall(message[1000:])
            return wire.receive(client) == message[4:]
        except OSError as error:
            return f"{size} bytes: {error}"


def at_once(path: str, count: int) -> bool | str:
    """Whether small messages that are sent together are all answered; if not, why."""
    messages = [b"%d" % number * 30 for number in range(count)]
    with wire.connect(path, timeout=30) as client:
        try:
            client.sendall(b"".join(map(wire.frame, messages)))
            return [wire.receive(client) for _ in messages] == messages
        except OSError as error:
            return f"{count} messages: {error}"


def wait_only(path: str) -> object:
    """Where the server does not echo, its other name on the same loop is asked."""

    def ping() -> None:
        wire.ask(client, b"statistics")

    client = wire.connect(path + ".control", timeout=60)
    return ping
