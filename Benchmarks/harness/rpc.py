# SPDX-License-Identifier: Apache-2.0
"""`bench rpc`: JSON-RPC over this library's async connections, beside grpc-swift 2 and JSON-RPC servers in Python.

The server runs on the first CPU, the load on the last. A round runs ours, then the others, then ours again, for
each load by itself; ratios are within a round.
"""

import argparse
import importlib.metadata
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from .figures import Figure, Results, show_progress, table
from .limits import FigureLimit, Thresholds
from .quiet import Chosen, measure_quietly
from .running import Cpus, Result, RunFailed, run_load, running
from .servers import PACKAGE, Server, build, product
from .summary import METRICS, Run, Spread, ratios, repeats, values
from .tables import markdown

ROUNDS, QUICK_ROUNDS = 11, 6
MOST_ROUNDS = 2
SECONDS, WARM_UP = 0.5, 0.3
# The length of the text that a call sends and gets back.
SIZE = 32

PRODUCTS = ("pipes-rpc-echo", "pipes-rpc-load", "grpc-echo", "grpc-load")
GRPC_PACKAGES = ("grpc-swift-2", "grpc-swift-nio-transport", "swift-nio-http2", "swift-nio")
PYTHON_PACKAGES = ("jsonrpcserver", "json-rpc")
INSTALLED = PACKAGE.parent / ".build/peers"


@dataclass(frozen=True)
class Load:
    connections: int
    in_flight: int

    @property
    def title(self) -> str:
        return f"{self.connections:,} × {self.in_flight}"

    @property
    def options(self) -> tuple[str, ...]:
        return (
            "--connections", str(self.connections), "--in-flight", str(self.in_flight), "--size", str(SIZE),
            "--seconds", str(SECONDS), "--warm-up", str(WARM_UP))


LOADS = (Load(1000, 1), Load(1, 64), Load(1, 1))


@dataclass(frozen=True)
class Entry:
    """A server, and the program that calls it."""

    server: Server
    load: str = "pipes-rpc-load"
    load_options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.server.name


def python(library: str) -> Entry:
    return Entry(Server(library, f"Python, {library}", (sys.executable, "{peers}/jsonrpc-echo.py", library)))


DIRECT = ("--flush-coalescing", "0")
OURS, GRPC = "pipes", "grpc"
ENTRIES = (
    Entry(product(OURS, "NamedPipesRPC", "pipes-rpc-echo")),
    Entry(product(GRPC, "grpc-swift 2", "grpc-echo"), "grpc-load"),
    Entry(product("grpc-direct", "grpc-swift 2, flush coalescing off", "grpc-echo", DIRECT), "grpc-load", DIRECT),
    *map(python, PYTHON_PACKAGES),
)


def in_order(entries: Sequence[Entry]) -> list[Entry]:
    """Of a round: ours, the others, and ours again, so that a machine that becomes slower favours neither."""
    return [*entries, entries[0]]


def run_once(programs: Path, entry: Entry, load: Load, cpus: Cpus) -> Result:
    with running(partial(entry.server.command, programs), cpus.server) as server:
        return run_load(programs, server, (*load.options, *entry.load_options), cpus.load, timeout=120, program=entry.load)


def one_round(programs: Path, entries: Sequence[Entry], load: Load, cpus: Cpus) -> list[tuple[str, Result]]:
    """Without the runs that failed, which are reported."""
    results = []
    for entry in in_order(entries):
        try:
            results.append((entry.name, run_once(programs, entry, load, cpus)))
        except RunFailed as failure:
            print(f"{entry.name}, {load.title}: {failure}", file=sys.stderr)
    return results


# What each metric is in the table, and by how much it is divided there.
SHOWN = {"rate": ("calls/s", 1), "cpu": ("server CPU a call, µs", 1e3), "p50": ("p50, µs", 1), "p99": ("p99, µs", 1)}
COMPARED = {"rate": "calls a second", "cpu": "server CPU a call", "p50": "p50", "p99": "p99"}


def name_of(entry: str, metric: str, load: Load) -> str:
    return f"{entry}: {metric} {load.title}"


def ratio_name(other: str, metric: str, load: Load) -> str:
    return name_of(f"to {other}", metric, load)


def noise_name(load: Load) -> str:
    return f"again: rate {load.title}"


def figures_of(load: Load, entries: Sequence[Entry], chosen: Chosen[list[tuple[str, Result]]]) -> Iterable[Figure]:
    runs = [Run(number, name, result) for number, found in enumerate(chosen.values) for name, result in found]

    def made(name: str, title: str, found: Iterable[float]) -> Figure:
        return Figure(name, f"{load.title}: {title}", list(found), str(chosen), chosen.is_quiet)

    # Of an entry all of whose runs failed, nothing is known.
    ran = {run.entry for run in runs if METRICS["rate"](run.result) > 0}
    entries = [entry for entry in entries if entry.name in ran]
    for entry in entries:
        for metric, (title, divisor) in SHOWN.items():
            found = values(runs, entry.name, METRICS[metric]).values()
            yield made(
                name_of(entry.name, metric, load), f"{entry.server.title}, {title}", (value / divisor for value in found))
    for entry in entries:
        if entry.name == OURS or OURS not in ran:
            continue
        for metric, title in COMPARED.items():
            yield made(
                ratio_name(entry.name, metric, load), f"{title} to {entry.server.title}",
                ratios(runs, OURS, entry.name, METRICS[metric]))
    if OURS in ran:
        yield made(noise_name(load), "calls a second, ours to itself", repeats(runs, OURS, METRICS["rate"]))


def measure(
    programs: Path, entries: Sequence[Entry], rounds: int, show: Callable[[str], None] = lambda text: None
) -> list[Figure]:
    cpus, figures = Cpus.chosen(), []
    for load in LOADS:
        show(load.title)
        chosen = measure_quietly(lambda: one_round(programs, entries, load, cpus), rounds, MOST_ROUNDS * rounds)
        figures += figures_of(load, entries, chosen)
    return figures


def missing() -> str | None:
    """Why the servers in Python cannot run here; None: they can."""
    found = versions_of_python_packages()
    absent = [name for name in PYTHON_PACKAGES if name not in found]
    return f"not installed: {' and '.join(absent)}; see .ci/install-peers" if absent else None


def versions_of_python_packages() -> dict[str, str]:
    known = {found.metadata["Name"]: found.version for found in importlib.metadata.distributions(path=[str(INSTALLED)])}
    return {name: known[name] for name in PYTHON_PACKAGES if name in known}


def versions_of_swift_packages() -> dict[str, str]:
    resolved = PACKAGE / "Package.resolved"
    pins = json.loads(resolved.read_text())["pins"] if resolved.exists() else []
    known = {pin["identity"]: pin["state"].get("version", "") for pin in pins}
    return {name: known[name] for name in GRPC_PACKAGES if name in known}


def absolute(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def servers_table(figures: Sequence[Figure]) -> str:
    """A line for each server under each load: its medians, and the ratios of ours to it."""
    known = {found.name: found for found in figures}
    ratio_header = ("ours to it: rate", "CPU ratio", "p50 ratio", "p99 ratio")
    rows = []
    for load in LOADS:
        for entry in ENTRIES:
            names = [name_of(entry.name, metric, load) for metric in SHOWN]
            if not all(name in known for name in names):
                continue
            compared = [known.get(ratio_name(entry.name, metric, load)) for metric in COMPARED]
            rows.append([
                load.title, entry.server.title, *(absolute(median(known[name].values)) for name in names),
                *(str(Spread.of(found.values)) if found else "–" for found in compared)])
    return markdown(("load", "server", *(title for title, _ in SHOWN.values()), *ratio_header), rows)


def judged(found: Results, limits: dict[str, FigureLimit]) -> Results:
    """The figures that have a limit, and the noise of each load."""
    shown = {*limits, *map(noise_name, LOADS)}
    return Results(found.date, found.machine, found.load_average, [one for one in found.figures if one.name in shown])


def text(found: Results, limits: dict[str, FigureLimit]) -> str:
    versions = found.machine["versions"]
    names = (*GRPC_PACKAGES, *PYTHON_PACKAGES, "python")
    packages = ", ".join(f"{name} {versions[name]}" for name in names if name in versions) or "Versions unknown"
    return "\n\n".join((
        f"A method that returns its parameter, a text of {SIZE} bytes, over a Unix socket; connections × calls in flight "
        "on each. Every reply is checked. Ours is JSON-RPC by lines, with Foundation's JSON on both ends; gRPC's messages are "
        "the bytes of the text: no Protocol Buffers are encoded. One CPU has the server, another the load. gRPC runs with "
        "its defaults: an event loop of SwiftNIO for every CPU of the machine, beside Swift's pool of threads. Flush "
        "coalescing, on by default, delays writes by up to 100 µs; a second entry turns it off. The load of gRPC is its own "
        "client, one for each connection; the load of the others is our client. The slower end limits the rate; the CPU "
        "time is the server's alone.",
        "Medians, and ratios of ours within a round with the interval that holds the true one in 19 of 20 cases. Calls/s: "
        "more is better. CPU and latency: less is better.",
        servers_table(found.figures), table(judged(found, limits), limits), f"{packages}. {found.where()}"))


def run(arguments: argparse.Namespace) -> int:
    why = missing()
    if why:
        print(f"Without {' and '.join(PYTHON_PACKAGES)}: {why}", file=sys.stderr)
    entries = [entry for entry in ENTRIES if not why or entry.name not in PYTHON_PACKAGES]
    # Package.swift has these programs only then.
    os.environ["PIPES_GRPC"] = "1"
    programs, before = arguments.programs or build([], PRODUCTS), os.getloadavg()
    rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS)
    figures = measure(programs, entries, rounds, show_progress)
    versions = versions_of_swift_packages() | versions_of_python_packages()
    found = Results.now(figures, before, versions)
    page = text(found, Thresholds.load().rpc)
    found.publish(arguments.output, "rpc", page)
    return 0
