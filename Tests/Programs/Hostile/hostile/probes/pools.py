# SPDX-License-Identifier: Apache-2.0
"""84: a worker of a pool that is held; and the attacks on admission, limits, names and the end of clients, at a pool."""

from __future__ import annotations

import dataclasses
import time
from typing import Callable

from hostile import wire
from hostile.bystander import Bystander
from hostile.figures import Figure, at_most, exactly
from hostile.probes import descriptors, endings, fairness, memory, names
from hostile.processes import Context, target

REACTORS = 2
NUMBER = "84"

# Where an acceptor that deals, and limits that workers share, make a difference. The bystander of these pings the
# attacked name itself: the control name is on a loop of its own here.
ATTACKS: dict[str, Callable[[Context], list[Figure]]] = {
    "7": names.serving_again,
    "21": fairness.greedy_user,
    "24": descriptors.descriptor_bomb,
    "28": descriptors.no_descriptors,
    "31": memory.lengths,
    "33": memory.slow_loris,
    "41": endings.tail_loss,
    "51": fairness.flood,
    "52": fairness.burst,
    "61": names.hand_over,
    "72": memory.hoarders,
}


def at_a_pool(attack: Callable[[Context], list[Figure]]) -> Callable[[Context], list[Figure]]:
    def probe(context: Context) -> list[Figure]:
        figures = attack(context.with_pool(REACTORS))
        return [dataclasses.replace(figure, number=f"{NUMBER}.{figure.number}") for figure in figures]

    probe.__name__ = f"{attack.__name__} at a pool"
    return probe


def held_worker(context: Context) -> list[Figure]:
    """A message keeps one of two workers for a second; a bystander of the other one, and clients that come meanwhile."""
    path = context.name("held")
    with target(context.with_pool(REACTORS), path, "mode=hold") as server, wire.connect(path) as held:
        wire.ask(held, b"hello")
        # The second client is dealt to the other worker.
        with Bystander(path) as bystander:
            usual = bystander.unloaded()
            held.sendall(wire.frame(b"hold"))
            waits = [first_answer(path) for _ in range(8)]
            time.sleep(0.3)
            felt = bystander.measure()
            answer = wire.receive(held)
        alive = server.is_alive
    return [
        at_most("84", "a worker that is held: the p99 of a bystander at the other", felt.p99, 5 + usual.p99, "ms",
                f"{felt}; unloaded {usual}"),
        at_most("84", "and the longest wait of clients that come meanwhile", max(waits) * 1000, 400, "ms",
                "half of them are dealt to the held worker at first, and again after 100 ms"),
        exactly("84", "what the client of the held worker gets in the end", answer, b"hold"),
        exactly("84", "the server lives", alive, True),
    ]


def first_answer(path: str) -> float:
    """The seconds from the connect to the first answer."""
    start = time.perf_counter()
    with wire.connect(path) as client:
        wire.ask(client, b"new")
        return time.perf_counter() - start


PROBES = {NUMBER: held_worker} | {f"{NUMBER}.{number}": at_a_pool(attack) for number, attack in ATTACKS.items()}
