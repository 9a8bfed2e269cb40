# SPDX-License-Identifier: Apache-2.0
"""79: an async handler whose client always has messages on their way."""

from __future__ import annotations

from hostile import wire
from hostile.figures import Figure, at_most, exactly
from hostile.processes import Context, target

WINDOW = 8
SIZE = 24_000
BUDGET = 4 << 20


def always_in_flight(context: Context) -> list[Figure]:
    """Many times the server's budget through one connection, with a little of it waiting at any time."""
    return [figure for name in ("async", "batches") for figure in _window(context, name)]


def _window(context: Context, name: str) -> list[Figure]:
    """One connection to the handler with this name, which is slow; in a long run, 10 GiB to one that only lets the loop
    turn between messages or batches."""
    path = context.name("window-" + name)
    count = context.count(16, 2560) * BUDGET // SIZE
    message = wire.frame(b"x" * SIZE)
    echoed = 0
    delay = context.count(1, 0)
    with target(context, path, "neighbours=true", f"asyncDelay={delay}", f"byteBudget={BUDGET}") as server:
        with wire.connect_when_there(f"{path}.{name}", patience=5.0) as client:
            try:
                for sent in range(count):
                    client.sendall(message)
                    if sent == WINDOW * 100:
                        before = server.resident
                    if sent >= WINDOW:
                        echoed += len(wire.receive(client)) == SIZE
                growth = server.settled("resident") - before
                for _ in range(count - echoed):
                    echoed += len(wire.receive(client)) == SIZE
            except OSError:
                growth = 0
        alive = server.is_alive
    volume = count * SIZE >> 20
    return [
        exactly("79", f"{name}: messages echoed of {volume} MiB, {WINDOW} always on their way", echoed, count,
                f"the server's budget is {BUDGET >> 20} MiB"),
        at_most("79", f"{name}: memory for what has been taken", growth / 1024, 1024, "KiB"),
        exactly("79", f"{name}: the server lives", alive, True),
    ]
