# SPDX-License-Identifier: Apache-2.0
"""A broker that is killed and started again and again under load, and servers that come and go. Nothing may grow."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass

from hostile.figures import Figure, at_most, exactly

from network.clients import Crowd
from network.programs import Context, Program

SERVERS = 3
CLIENTS = 200

# How long the broker is there, and how long it is not, in seconds.
UP = 4.0
DOWN = 1.0


@dataclass(frozen=True)
class Sample:
    """The programs in a quiet moment: all clients are connected and answered."""

    resident: int
    descriptors: int


async def soak(context: Context, minutes: float, seed: int = 1) -> list[Figure]:
    chance = random.Random(seed)
    path = context.name("soak")
    broker = context.broker()
    with contextlib.ExitStack() as stack:
        stack.enter_context(broker)
        broker.wait_until_said("Server is ready")
        servers = [stack.enter_context(context.server(broker.url)) for _ in range(SERVERS)]
        door = stack.enter_context(context.door(path, broker.url))
        for program in (*servers, door):
            program.wait_until_said("listening on")
        async with Crowd(path, CLIENTS) as crowd:
            back: list[float] = []
            # Spare memory (buffers, tables) has its final size after a while; from then on nothing grows.
            samples = [await rounds(crowd, broker, servers, door, minutes * 60 / 5, chance, back)]
            for _ in range(4):
                samples.append(await rounds(crowd, broker, servers, door, minutes * 60 / 5, chance, back))
                print(f"soak: {samples[-1].resident / (1 << 20):.1f} MiB, {samples[-1].descriptors} descriptors, "
                      f"{crowd.answered:,} answers, {crowd.endings:,} lost sessions", flush=True)
            longest = crowd.longest_wait
        dead = [program.said for program in (*servers, door) if not program.is_alive]
    first, last = samples[0], samples[-1]
    usual = max(sample.resident for sample in samples[:2])
    return [
        exactly("6", "servers and door that have ended", len(dead), 0, " ".join(dead)),
        exactly("6", "wrong answers", crowd.wrong, 0, f"of {crowd.answered:,}; {crowd.endings:,} sessions were lost"),
        at_most("6", "all have answers again after the broker is back, the slowest", max(back), 15, "s",
                f"of {len(back)} restarts"),
        at_most("6", "the longest time of a client without an answer", longest, 20, "s"),
        at_most("6", "memory of servers and door more than in the first two fifths",
                (last.resident - usual) / (1 << 20), 4, "MiB", f"of {usual / (1 << 20):.1f} MiB; {minutes:g} minutes"),
        at_most("6", "descriptors more than after the warm-up", last.descriptors - first.descriptors, 0, "descriptors",
                f"{first.descriptors}"),
    ]


async def rounds(
    crowd: Crowd, broker: Program, servers: list[Program], door: Program, seconds: float, chance: random.Random,
    back: list[float],
) -> Sample:
    """Broker restarts for a while, sometimes with a server that is stopped or killed; then a quiet moment."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(chance.uniform(0.5, 1.5) * UP)
        if chance.random() < 0.5:
            server = chance.choice(servers)
            chance.choice([server.kill, server.end])()
            server.start()
            server.wait_until_said("listening on")
        broker.kill()
        await asyncio.sleep(chance.uniform(0.5, 1.5) * DOWN)
        broker.start()
        back.append(await crowd.all_answered(time.monotonic(), patience=60))
    # Spare buffers are freed after two seconds.
    await asyncio.sleep(2.5)
    await crowd.all_answered(time.monotonic(), patience=60)
    programs = [*servers, door]
    return Sample(sum(program.resident for program in programs), sum(program.descriptors for program in programs))
