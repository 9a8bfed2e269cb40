# SPDX-License-Identifier: Apache-2.0
"""What is to hold between two hosts, and over connections that are slow, stall and break."""

from __future__ import annotations

import asyncio
import time

from hostile.figures import Figure, at_most, exactly

from network.clients import Crowd
from network.hosts import Cable
from network.programs import Context
from network.proxy import Proxy

# The session timeout of pipectl's links, which is the default, in seconds.
SESSION_TIMEOUT = 5

# How long the cable stays cut, in seconds. Clients also ask for new sessions meanwhile, and these requests are lost.
CUT = 12

# What a process that shares its processors with all others may be late.
LATENESS = 1


async def hosts(context: Context) -> list[Figure]:
    """A broker and a server on one host, and clients on the other. The cable is cut for a while, and mended."""
    path = context.name("hosts")
    with Cable() as cable:
        left, right = (tuple(host.command()) for host in (cable.left, cable.right))
        broker = context.broker(cable.left.address, 4222, prefix=left)
        server = context.server(broker.url, prefix=left)
        door = context.door(path, broker.url, prefix=right)
        with broker:
            broker.wait_until_said("Server is ready")
            with server, door:
                server.wait_until_said("listening on")
                door.wait_until_said("listening on")
                return [*await without_trouble("1", path), *await cut_and_mended(path, cable, server, door)]


async def without_trouble(number: str, path: str) -> list[Figure]:
    """Many clients at once, each of which gets all its answers over one connection."""
    async with Crowd(path, count=50, limit=200) as crowd:
        await crowd.finish(60)
    async with Crowd(path, count=2, size=4 << 20, limit=3) as large:
        await large.finish(60)
    return [
        exactly(number, "answers to 50 clients on another host", crowd.answered, 10_000),
        exactly(number, "of which wrong", crowd.wrong, 0),
        exactly(number, "connections that ended early", crowd.endings + large.endings, 0),
        exactly(number, "answers of 4 MiB, right", large.answered - large.wrong, 6),
    ]


async def cut_and_mended(path: str, cable: Cable, server: object, door: object) -> list[Figure]:
    """For longer than a session lasts without a sign of life."""
    count = 50
    async with Crowd(path, count) as crowd:
        await crowd.all_answered(time.monotonic(), patience=20)
        endings = crowd.endings
        cut_at = time.monotonic()
        cable.cut()
        while len(crowd.ended_after(cut_at)) < count and time.monotonic() < cut_at + 3 * SESSION_TIMEOUT:
            await asyncio.sleep(0.01)
        noticed = crowd.ended_after(cut_at)
        await asyncio.sleep(max(0, cut_at + CUT - time.monotonic()))
        cable.mend()
        mended_at = time.monotonic()
        back = await crowd.all_answered(mended_at, patience=90)
    return [
        exactly("2", "clients cut off before the cable was", endings, 0),
        exactly("2", f"of {count} clients, heard that their session is lost", len(noticed), count),
        at_most("2", "after the cable was cut, the last of them", max(noticed, default=float("inf")),
                SESSION_TIMEOUT + LATENESS, "s"),
        at_most("2", "after the cable was mended, all have answers again", back, 40, "s"),
        exactly("2", "wrong answers", crowd.wrong, 0),
        exactly("2", "server and door live", server.is_alive and door.is_alive, True),
    ]


async def delays(context: Context) -> list[Figure]:
    """A broker that is 20 ms away: slow, and nothing else. Then a broker whose packets are lost now and then."""
    figures: list[Figure] = []
    broker = context.broker()
    with broker:
        broker.wait_until_said("Server is ready")
        with context.server(broker.url) as server:
            server.wait_until_said("listening on")
            figures += await through("3", context, server, Proxy(broker.port, delay=0.02), "20 ms away", 40, 25)
            figures += await through(
                "4", context, server, Proxy(broker.port, delay=0.002, stall=0.3), "that stalls for 300 ms", 40, 25)
            figures += await broken(context, broker.port)
    return figures


async def through(
    number: str, context: Context, server: object, proxy: Proxy, what: str, count: int, limit: int
) -> list[Figure]:
    path = context.name(f"proxy-{number}")
    async with proxy:
        with context.door(path, proxy.url) as door:
            door.wait_until_said("listening on")
            async with Crowd(path, count, limit=limit) as crowd:
                await crowd.finish(120)
            async with Crowd(path, count=1, size=8 << 20, limit=1) as large:
                await large.finish(120)
            answered, alive = crowd.answered + large.answered, door.is_alive and server.is_alive
    stalls = f"{proxy.stalls} stalls" if proxy.stall else ""
    return [
        exactly(number, f"answers through a broker {what}", answered, count * limit + 1, stalls),
        exactly(number, "of which wrong", crowd.wrong + large.wrong, 0),
        exactly(number, "connections that ended early", crowd.endings + large.endings, 0),
        exactly(number, "server and door live", alive, True),
    ]


async def broken(context: Context, port: int) -> list[Figure]:
    """The connection to the broker is reset five times under load, and once falls silent for good."""
    path = context.name("proxy-5")
    count = 40
    late: list[float] = []
    async with Proxy(port, delay=0.001) as proxy:
        with context.door(path, proxy.url) as door:
            door.wait_until_said("listening on")
            async with Crowd(path, count) as crowd:
                for _ in range(5):
                    await crowd.all_answered(time.monotonic(), patience=20)
                    proxy.break_all()
                    late.append(await crowd.all_answered(time.monotonic(), patience=20))
                silent_at = time.monotonic()
                proxy.swallow()
                while len(crowd.ended_after(silent_at)) < count and time.monotonic() < silent_at + 3 * SESSION_TIMEOUT:
                    await asyncio.sleep(0.01)
                noticed = crowd.ended_after(silent_at)
                proxy.go_on()
                back = await crowd.all_answered(time.monotonic(), patience=60)
            alive = door.is_alive
    return [
        at_most("5", "all have answers again after a reset, the slowest of five", max(late), 5, "s"),
        exactly("5", f"of {count} clients, heard of a broker that fell silent", len(noticed), count),
        at_most("5", "the last of them", max(noticed, default=float("inf")), SESSION_TIMEOUT + LATENESS, "s"),
        at_most("5", "all have answers again when it speaks", back, 15, "s"),
        exactly("5", "wrong answers", crowd.wrong, 0),
        exactly("5", "the door lives", alive, True),
    ]
