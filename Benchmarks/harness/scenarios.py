# SPDX-License-Identifier: Apache-2.0
"""The loads under which servers are compared."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .servers import FLOOR, OURS, POOL, THREADED

LOAD, OUR_LOAD = "c-load", "pipes-load"
POLLING = ("c-epoll-poll", "pipes-poll")
BUSY_LOOK = ("--poll", "50")
# The receive buffer's size has no effect on Unix sockets (unix(7)).
LARGE_BUFFERS = ("--send-buffer", str(2 << 20))

CLOSE_PEERS = frozenset({FLOOR, OURS, "c-libevent", "nio", "nio-tuned"})


@dataclass(frozen=True)
class Length:
    """The time of the measurement, and of the warm-up before it, in seconds."""

    seconds: float
    warm_up: float

    def with_connections(self, count: int) -> "Length":
        """Longer, so that every connection has two or three turns."""
        return Length(self.seconds + 2e-5 * count, self.warm_up)


# Long enough for rare percentiles.
LATENCY = Length(0.4, 0.1)


@dataclass(frozen=True)
class Entry:
    """A server's part in one scenario."""

    label: str
    server: str
    server_options: tuple[str, ...] = ()
    load_options: tuple[str, ...] = ()
    load_program: str = LOAD


@dataclass(frozen=True)
class Scenario:
    """One load. Without `entries`, the servers in `peers` take part, or all if that is empty.

    `beside` take part as well. `rounds` is a scenario's share: how many there are depends on the time that there is.
    """

    name: str
    title: str
    asks: str
    load: tuple[str, ...]
    connections: int = 1
    rounds: int = 24
    peers: frozenset[str] = frozenset()
    entries: tuple[Entry, ...] = ()
    beside: tuple[Entry, ...] = ()
    one_cpu: bool = False
    length: Length | None = None  # of the runs that are compared closely; None: as all others

    def taking_part(self, servers: Iterable[str]) -> list[Entry]:
        """The floor, with which the others are compared, comes first."""
        chosen = list(servers)
        if self.entries:
            return [entry for entry in self.entries if entry.server in chosen]
        plain = [name for name in chosen if name not in (*POLLING, POOL, THREADED) and (not self.peers or name in self.peers)]
        others = [entry for entry in self.beside if entry.server in chosen]
        return sorted((Entry(name, name) for name in plain), key=lambda entry: entry.server != FLOOR) + others


def load(connections: int, in_flight: int, size: int, *others: object) -> tuple[str, ...]:
    counts = ("--connections", connections, "--in-flight", in_flight, "--size", size, *others)
    return tuple(str(word) for word in counts)


def closed(
    name: str, connections: int, in_flight: int, size: int, size_title: str, asks: str, rounds: int = 32,
    peers: frozenset[str] = frozenset(),
) -> Scenario:
    title = f"{connections:,} × {in_flight} × {size_title}"
    return Scenario(name, title, asks, load(connections, in_flight, size), connections, rounds, peers)


CORE = (
    closed("S1", 1, 1, 64, "64 B", "Ping-pong: two wake-ups a round trip."),
    closed("S2", 1, 512, 64, "64 B", "One connection, many messages: what a message costs beside its burst."),
    closed("S3", 100, 16, 64, "64 B", "A hundred busy connections, bursts of 16."),
    closed("S4", 1000, 1, 64, "64 B", "A thousand connections, one message each: one read and one write a message."),
    closed("S5", 10_000, 1, 64, "64 B", "Ten thousand: what falls out of the caches.", rounds=16),
    closed("S6", 4, 8, 64 << 10, "64 KiB", "Medium messages."),
    closed("S7", 1, 2, 4 << 20, "4 MiB", "Large messages: copies and page faults."),
    Scenario(
        "S8", "churn, 8 slots", "Connect, one round trip, close, again.",
        load(8, 1, 64, "--churn"), connections=8, rounds=32),
)

POLLED = (
    Scenario(
        "S1p", "1 × 1 × 64 B, server polls", "Ping-pong with a server that looks for 50 µs before it sleeps.",
        load(1, 1, 64), entries=(Entry(FLOOR, FLOOR), *(Entry(name, name) for name in POLLING))),
    Scenario(
        "S1pp", "1 × 1 × 64 B, both poll", "The same with a client that polls, too; the floor as in S1.",
        load(1, 1, 64),
        entries=(
            Entry(FLOOR, FLOOR), *(Entry(name, name, load_options=BUSY_LOOK) for name in POLLING),
            Entry("pipes-poll, pipes client", "pipes-poll", load_options=BUSY_LOOK, load_program=OUR_LOAD))),
)

VARIANTS = (
    Scenario(
        "S1c", "1 × 1 × 64 B on one cpu", "Server and load share a cpu: no wake-up of another hides what they do.",
        load(1, 1, 64), peers=CLOSE_PEERS | {"nio-async", "pipes-async"}, one_cpu=True),
    Scenario(
        "S6o", "4 × 8 × 64 KiB, from own memory", "Another honest load: each message in flight has memory of its own.",
        load(4, 8, 64 << 10, "--own-memory"), connections=4, peers=CLOSE_PEERS),
    Scenario(
        "S7o", "1 × 2 × 4 MiB, from own memory", "The same with large messages: nothing that is sent stays in the cache.",
        load(1, 2, 4 << 20, "--own-memory"), peers=CLOSE_PEERS | {"libuv", "go"}),
    Scenario(
        "S7b", "1 × 2 × 4 MiB, 2 MiB send buffers", "Large send buffers on both ends; the floor as in S7.",
        load(1, 2, 4 << 20),
        entries=(Entry(FLOOR, FLOOR), *(
            Entry(f"{name}, large buffers", name, LARGE_BUFFERS, LARGE_BUFFERS) for name in (FLOOR, OURS)))),
    Scenario(
        "S10", "1 × 1 × 64 B beside 10,000 idle", "Whether idle connections cost time, and how much memory.",
        load(1, 1, 64, "--idle", 10_000), connections=10_000, rounds=10,
        beside=(Entry(f"{OURS}, alone", OURS, load_options=("--idle", "0")),)),
    Scenario(
        "mixed", "16 × 4 × 64 B to 1 MiB", "Sizes as in life: many small messages, most bytes in large ones.",
        load(16, 4, 64, "--sizes", "mixed"), connections=16, rounds=16, peers=CLOSE_PEERS | {"libuv", "go"}),
    Scenario(
        "open", "100 × 64 B, 50,000 a second", "Open loop: latency from when a message was due.",
        load(100, 1, 64, "--rate", 50_000), connections=100, rounds=12, peers=CLOSE_PEERS | {"go", "java"},
        length=LATENCY),
    Scenario(
        "flood", "1 × 1 × 64 B beside 4 flooders", "What a neighbour waits that is not greedy itself.",
        load(1, 1, 64, "--flood", 4), rounds=12, peers=CLOSE_PEERS | {"go"}, length=LATENCY,
        beside=(Entry(f"{OURS}, alone", OURS, load_options=("--flood", "0")),)),
)

GROWTH = tuple(
    closed(
        f"G{count}", count, 1, 64, "64 B", "How the cost of a message grows with the connections.", rounds=12 if count < 10_000 else 8,
        peers=frozenset({FLOOR, OURS, "c-libevent", "nio"}))
    for count in (100, 1000, 10_000, 19_000))

# The same server for both, in C; ours is the client.
CLIENTS = tuple(
    replace(
        like, name=like.name.replace("S", "L"), asks="Our client as the load, against the load in C.", rounds=24,
        entries=(Entry(FLOOR, FLOOR), Entry(f"{OURS} client", FLOOR, load_program=OUR_LOAD)))
    for like in CORE if like.name in ("S1", "S2", "S3", "S4", "S6"))

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario for scenario in (*CORE, *POLLED, *VARIANTS, *GROWTH, *CLIENTS)}
