# SPDX-License-Identifier: Apache-2.0
"""`bench beyond`: what a session behind a NATS broker costs, beside a pipe, and beside C on libnats alone.

Three processes share the CPUs: the broker, the server and the load. So no figure here is one of the library alone; what
it adds is the ratio to C, which does the same through the same broker.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .figures import Figure, Results, show_progress, table
from .limits import FigureLimit, Thresholds
from .quiet import measure_quietly
from .running import START_SECONDS, Command, Result, RunFailed, RunningServer, run_load, running
from .servers import OURS, SERVERS, build, has_library
from .summary import rate

ROUNDS, QUICK_ROUNDS = 15, 6
MOST_ROUNDS = 2
SECONDS, WARM_UP = 1.0, 0.3

PRODUCTS = ("nats-echo", "nats-load", "c-nats", "pipes-load")
SESSIONS = 1000


@dataclass(frozen=True)
class Load:
    name: str
    in_flight: int
    size: int

    @property
    def title(self) -> str:
        size = f"{self.size} B" if self.size < 1024 else f"{self.size // 1024} KiB"
        return f"{self.in_flight} × {size}"

    @property
    def options(self) -> tuple[str, ...]:
        return ("--in-flight", str(self.in_flight), "--size", str(self.size), "--seconds", str(SECONDS), "--warm-up",
                str(WARM_UP))


LOADS = (Load("1", 1, 64), Load("64", 64, 64), Load("512", 512, 64), Load("64 KiB", 4, 64 << 10))


@contextlib.contextmanager
def program(command: Sequence[str], ready: bool = True) -> Iterator[subprocess.Popen[str]]:
    """A program that has printed a line, for the duration of the block."""
    started = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        if ready and not started.stdout.readline():
            raise RunFailed(f"{command[0]} ended with status {started.wait()}")
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(timeout=10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
        for stream in (started.stdin, started.stdout):
            stream.close()


@contextlib.contextmanager
def broker() -> Iterator[str]:
    """The URL of a broker on the loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with program(["nats-server", "-a", "127.0.0.1", "-p", str(port)], ready=False) as started:
        deadline = time.monotonic() + START_SECONDS
        with socket.socket() as probe:
            while probe.connect_ex(("127.0.0.1", port)) != 0:
                if started.poll() is not None or time.monotonic() > deadline:
                    raise RunFailed("nats-server does not listen")
                time.sleep(0.01)
        yield f"nats://127.0.0.1:{port}"


@dataclass(frozen=True)
class Ends:
    """The servers of one round, all there at once; each load has one of them for itself."""

    programs: Path
    url: str
    pipe: RunningServer

    def over_pipe(self, load: Load) -> Result:
        return run_load(self.programs, self.pipe, load.options, cpu=None, timeout=60, program="pipes-load")

    def over_session(self, load: Load) -> Result:
        return self.run("nats-load", "--path", f"{self.url}/echo", *load.options)

    def over_library(self, load: Load) -> Result:
        return self.run("c-nats", "load", self.url, "c", str(load.size), str(load.in_flight), str(SECONDS), str(WARM_UP))

    def run(self, name: str, *options: str) -> Result:
        done = subprocess.run(
            [self.programs / name, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)
        if done.returncode != 0:
            raise RunFailed((done.stderr.strip() or f"{name} ended with status {done.returncode}").splitlines()[0])
        return json.loads(done.stdout)


@contextlib.contextmanager
def ends(programs: Path) -> Iterator[Ends]:
    with broker() as url, program([programs / "nats-echo", f"{url}/echo"]), program(
            [programs / "c-nats", "echo", url, "c"]), running(Command(programs, OURS), cpu=None) as pipe:
        yield Ends(programs, url, pipe)


@dataclass(frozen=True)
class Trip:
    """Microseconds a message, over each."""

    pipe: float
    session: float
    library: float


def microseconds(result: Result) -> float:
    return 1e6 / rate(result)


def trip(found: Ends, load: Load) -> Trip:
    """The session is measured twice, around C, so that a machine that becomes slower favours neither."""
    pipe = microseconds(found.over_pipe(load))
    before = microseconds(found.over_session(load))
    library = microseconds(found.over_library(load))
    after = microseconds(found.over_session(load))
    return Trip(pipe, (before * after) ** 0.5, library)


def resident(process_id: int) -> int:
    """Bytes of physical memory."""
    return int(Path(f"/proc/{process_id}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Memory:
    """Bytes of a session after a round trip, at the server and at the client."""

    server: float
    client: float


def memory(programs: Path) -> Memory:
    """Of `SESSIONS` sessions on one link, less those of one on another link: a first one has warmed both up."""
    def held(url: str, server: int, count: int) -> tuple[int, int]:
        command = [programs / "nats-load", "--path", f"{url}/echo", "--connections", str(count), "--seconds", "0.2"]
        with program(command) as load:  # it has printed its result, and keeps its sessions
            return resident(server), resident(load.pid)

    with broker() as url, program([programs / "nats-echo", f"{url}/echo"]) as server:
        one = held(url, server.pid, 1)
        many = held(url, server.pid, SESSIONS)
    return Memory(*((more - less) / (SESSIONS - 1) for more, less in zip(many, one)))


def measure(programs: Path, rounds: int, show: Callable[[str], None] = lambda text: None) -> list[Figure]:
    figures = []
    with ends(programs) as found:
        for load in LOADS:
            show(load.title)
            chosen = measure_quietly(lambda: trip(found, load), rounds, MOST_ROUNDS * rounds)
            trips = chosen.values

            def add(name: str, title: str, values: list[float]) -> None:
                figures.append(
                    Figure(f"{name} {load.name}", f"{load.title}: {title}", values, str(chosen), chosen.is_quiet))

            add("pipe", "a pipe, µs a message", [one.pipe for one in trips])
            add("session", "a session, µs a message", [one.session for one in trips])
            add("library", "C on libnats alone, µs a message", [one.library for one in trips])
            add("to C", "the session to C", [one.session / one.library for one in trips])
    show("memory")
    chosen = measure_quietly(lambda: memory(programs), 3, 3)
    for end in ("server", "client"):
        figures.append(Figure(
            f"memory {end}", f"{SESSIONS:,} sessions on one link, bytes of each at the {end}",
            [getattr(one, end) for one in chosen.values], str(chosen)))
    return figures


def text(found: Results, limits: dict[str, FigureLimit]) -> str:
    return "\n\n".join((
        "The same load, in flight × size, over a pipe and over a session behind `nats-server` on the loopback address; and the "
        "same through libnats alone, from C, on one thread with the same drained loop, but without framing, credit, heartbeats "
        "and sequence numbers. Every reply is checked. A round measures the pipe, the session, C, and the session again; the "
        "median of the rounds, and the interval that holds the true one in 19 of 20 cases. The broker, which is written in Go, "
        "shares the CPUs with the server and the load.",
        table(found, limits), found.where()))


def run(arguments: argparse.Namespace) -> int:
    if not shutil.which("nats-server") or not has_library("libnats"):
        raise SystemExit("nats-server and libnats are needed (Debian: nats-server, libnats-dev)")
    # Package.swift has these programs only then.
    os.environ["PIPES_NATS"] = "1"
    programs, before = arguments.programs or build([SERVERS[OURS]], PRODUCTS), os.getloadavg()
    rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS)
    figures = measure(programs, rounds, show_progress)
    found = Results.now(figures, before)
    page = text(found, Thresholds.load().beyond)
    found.publish(arguments.output, "beyond", page)
    return 0
