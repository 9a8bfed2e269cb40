# SPDX-License-Identifier: Apache-2.0
"""Hours in minutes: thousands of connections stay while others come, flood, err and vanish. Nothing may grow."""

from __future__ import annotations

import multiprocessing
import random
import resource
import socket
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection

from hostile import wire
from hostile.bystander import Bystander
from hostile.callers import CALLERS
from hostile.figures import Figure, at_most, exactly
from hostile.misbehaviour import MISBEHAVIOURS
from hostile.processes import Context, Server, target

TROUBLEMAKERS = 3

# The three names of the target: a delegate's, an async handler's, and JSON-RPC's.
DOORS = {"": MISBEHAVIOURS, ".async": MISBEHAVIOURS, ".rpc": CALLERS}


@dataclass(frozen=True)
class Sample:
    """The server in a quiet moment: only the permanent clients are connected."""

    resident: int
    descriptors: int
    opened: int


def soak(context: Context, minutes: float, count: int) -> list[Figure]:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    path = context.name("soak")
    settings = ("neighbours=true", "frameDeadline=2000", "writeStallDeadline=2000", "highWaterMark=262144",
                "sendQueueLimit=4194304")
    with target(context, path, *settings) as server, Bystander(path) as bystander:
        unloaded = bystander.unloaded()
        residents = [wire.connect(path) for _ in range(count)]
        troublemakers = [start(path, seed) for seed in range(TROUBLEMAKERS)]
        # Spare memory (buffers, tables) has its final size after a while; from then on nothing grows.
        samples = [rounds(server, path, residents, troublemakers, minutes * 60 / 5)]
        bystander.measure()
        for _ in range(4):
            samples.append(rounds(server, path, residents, troublemakers, minutes * 60 / 5))
            report(samples[-1])
        felt = bystander.measure()
        total = sum(end(control, process) for control, process in troublemakers)
        alive = server.is_alive
        endings = wire.statistics(path)["endings"]
        unanswered = sum(1 for client in residents if wire.ask(client, b"still here") != b"still here")
    first, last = samples[0], samples[-1]
    # Spare memory fluctuates by some megabytes; growth would go on.
    usual = max(sample.resident for sample in samples[:2])
    return [
        exactly("soak", "the server lives", alive, True),
        exactly("soak", f"of {count:,} connections that stayed, unanswered at the end", unanswered, 0),
        exactly("soak", "descriptors more than after the warm-up", last.descriptors - first.descriptors, 0,
                f"{first.descriptors:,}"),
        exactly("soak", "connections more than after the warm-up", last.opened - first.opened, 0),
        at_most("soak", "memory more than in the first two fifths", (last.resident - usual) / (1 << 20), 4, "MiB",
                f"of {usual / (1 << 20):.1f} MiB; {minutes:g} minutes; {total:,} misbehaviours"),
        at_most("soak", "a bystander's p99", felt.p99, 20 + unloaded.p99, "ms",
                f"{felt}; unloaded {unloaded}; {', '.join(f'{k} {v:,}' for k, v in sorted(endings.items()))}"),
    ]


def report(sample: Sample) -> None:
    print(f"soak: {sample.resident / (1 << 20):.1f} MiB, {sample.descriptors:,} descriptors", flush=True)


def rounds(
    server: Server, path: str, residents: list[socket.socket], troublemakers: list, seconds: float
) -> Sample:
    """Trouble for a while, in which some of the permanent clients ask now and then; then a quiet moment."""
    for control, _ in troublemakers:
        control.send("go")
    end_time = time.monotonic() + seconds
    while time.monotonic() < end_time:
        for client in random.sample(residents, min(100, len(residents))):
            wire.ask(client, b"resident")
        time.sleep(0.05)
    for control, _ in troublemakers:
        control.send("rest")
    for control, _ in troublemakers:
        control.recv()
    return quiet(server, path, len(residents))


def quiet(server: Server, path: str, count: int) -> Sample:
    """Once the clients that were cut off have met their deadlines."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        opened = wire.statistics(path)["open"]
        if opened <= count + 1:
            break
        time.sleep(0.2)
    # Spare buffers are freed after two seconds.
    time.sleep(2.5)
    return Sample(server.settled("resident"), server.settled("descriptors"), opened)


def start(path: str, seed: int) -> tuple[Connection, multiprocessing.Process]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_make_trouble, args=(path, seed, there), daemon=True)
    process.start()
    there.close()
    return here, process


def end(control: Connection, process: multiprocessing.Process) -> int:
    control.send("end")
    count = control.recv()
    process.join(10)
    return count


def _make_trouble(path: str, seed: int, control: Connection) -> None:
    chance = random.Random(seed)
    count = 0
    while control.recv() == "go":
        lingering: list[socket.socket] = []
        while not control.poll(0):
            try:
                door = chance.choice(list(DOORS))
                client = wire.connect(path + door, timeout=2)
                if chance.choice(DOORS[door])(client, chance):
                    lingering.append(client)
                else:
                    client.close()
            except OSError:
                pass
            count += 1
            while len(lingering) > 50:
                lingering.pop(chance.randrange(len(lingering))).close()
        control.recv()
        for client in lingering:
            client.close()
        control.send("resting")
    control.send(count)
