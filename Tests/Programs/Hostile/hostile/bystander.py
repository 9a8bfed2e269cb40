# SPDX-License-Identifier: Apache-2.0
"""A polite client, in a process of its own, that pings all the time: it measures the effect of an attack."""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Callable

from hostile import wire
from hostile.processes import prefer


@dataclass(frozen=True)
class Latency:
    """Milliseconds."""

    count: int
    median: float
    p99: float
    worst: float
    set_aside: int
    """Pings that are not counted, because the hypervisor ran another machine meanwhile."""

    def __str__(self) -> str:
        aside = f", {self.set_aside} set aside" if self.set_aside else ""
        return f"p50 {self.median:.2f}, p99 {self.p99:.2f}, max {self.worst:.2f} ms of {self.count}{aside}"

    @classmethod
    def of(cls, pings: list[Timed]) -> Latency:
        times = sorted(ping.time for ping in pings if not ping.was_stolen)
        if len(times) < len(pings) / 4:  # Nothing but noise: better too much of it than no figure.
            times = sorted(ping.time for ping in pings)
        if not times:
            return cls(0, 0, 0, 0, 0)
        set_aside = len(pings) - len(times)
        return cls(len(times), times[len(times) // 2], times[int(len(times) * 0.99)], times[-1], set_aside)


@dataclass
class Timed:
    """One ping, in milliseconds."""

    time: float
    was_stolen: bool = False


def stolen() -> int:
    """How long the hypervisor has run other machines, in ticks of all CPUs (proc_stat(5): the eighth, "steal")."""
    with open("/proc/stat") as file:
        return int(file.readline().split()[8])


Ping = Callable[[], None]
PingMaker = Callable[[str], Ping]


def framed_ping(path: str) -> Ping:
    """The ping of servers that echo the default framing."""
    client = wire.connect(path, timeout=60)

    def ping() -> None:
        if wire.ask(client, b"ping of a bystander") != b"ping of a bystander":
            raise ConnectionError("not what was sent")

    return ping


def _live(path: str, make: PingMaker, control: Connection) -> None:
    prefer()
    ping = make(path)
    pings: list[Timed] = []
    before = stolen()
    while True:
        if control.poll(0.001):
            if control.recv() == "end":
                return
            control.send(pings)
            pings = []
        start = time.perf_counter()
        try:
            ping()
        except OSError as error:
            control.send(error)
            return
        pings.append(Timed((time.perf_counter() - start) * 1000))
        # The kernel counts at its next tick, a few milliseconds later, so that includes the pings just before.
        now = stolen()
        if now != before:
            before = now
            for earlier in pings[-4:]:
                earlier.was_stolen = True


class Bystander:
    """Pings from its beginning to its end; `measure` returns the figures since the last call."""

    def __init__(self, path: str, make: PingMaker = framed_ping) -> None:
        self.control, far = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=_live, args=(path, make, far), daemon=True)
        self.process.start()
        far.close()

    def __enter__(self) -> Bystander:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.control.send("end")
        except OSError:
            pass
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
        self.control.close()

    def unloaded(self, seconds: float = 1.0) -> Latency:
        """The figures without an attack."""
        self.measure()
        time.sleep(seconds)
        return self.measure()

    def measure(self) -> Latency:
        """The figures since the last call. A ping that is under way is waited for and counts."""
        return Latency.of(self.pings())

    def pings(self) -> list[Timed]:
        """The figures that `measure` returns."""
        self.control.send("report")
        pings = self.control.recv()
        if isinstance(pings, Exception):
            raise pings
        return pings
