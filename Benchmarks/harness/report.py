# SPDX-License-Identifier: Apache-2.0
"""The report page: the figures, the machine, their reliability, and the targets."""

from collections.abc import Iterable
from pathlib import Path

from . import tables, targets
from .limits import Thresholds
from .pictures import Picture
from .results import Results, ScenarioResults
from .scenarios import CORE
from .summary import Spread

COUNTS = ("instructions.md", "syscalls.md")


def machine(results: Results) -> str:
    known = results.machine
    kind = "virtual" if known["virtual"] else "not virtual"
    versions = "; ".join(f"{name}: {version}" for name, version in known["versions"].items())
    return "\n".join((
        f"- {results.date}.",
        f"- {known['cpu']}, {known['cores']} cores, {kind}; {known['memory_bytes'] / 2**30:.0f} GiB; "
        f"Linux {known['kernel']}; {known['system']}.",
        f"- {versions}.",
        f"- Load average {load(results, 'before')} before and {load(results, 'after')} after; the run itself is up to "
        "2 of it."))


def load(results: Results, when: str) -> str:
    return f"{results.load_average[when][0]:.1f}"


NOISE = (
    "Each round runs the floor, then what is compared closely, then the floor again; a ratio is to the geometric mean of "
    "the two. So the floor is measured against itself as well: its second run to its first. The program is the same, and "
    "what differs is the machine. Where the interval of this ratio is wide, a ratio to the floor that is less far from 1 "
    "says nothing; where it does not hold 1, not even its own interval is to be trusted. A single round would have "
    "given anything between the last column's ends, which nine of ten rounds did not leave.")


def noise_row(scenario: ScenarioResults, floor: str) -> list[str]:
    rates, cpus = scenario.repeated(floor, "rate"), scenario.repeated(floor, "cpu")
    if not rates or not cpus:
        return [scenario.name, scenario.title, str(len(rates)), *3 * [tables.MISSING]]
    low, high = most_of(rates)
    return [
        scenario.name, scenario.title, str(len(rates)), str(Spread.of(rates)), str(Spread.of(cpus)),
        f"{low:.2f}–{high:.2f}"]


def most_of(values: Iterable[float]) -> tuple[float, float]:
    """The interval that contains nine of ten values."""
    known = sorted(values)
    outside = len(known) // 20
    return known[outside], known[-1 - outside]


def noise(results: Results) -> str:
    header = ("", "load", "rounds", "floor to floor: rate", "cpu per message", "rate in single rounds")
    return tables.markdown(header, [noise_row(scenario, results.floor) for scenario in results.scenarios.values()])


def absent(results: Results) -> str:
    lines = [f"- {name} was not measured: {why}." for name, why in results.unavailable.items()]
    for scenario in results.scenarios.values():
        lines += [f"- {name} failed in {scenario.name}: {why}." for name, why in scenario.failures.items()]
    return "\n".join(lines) or "- Everybody took part to the end."


def questions(scenarios: Iterable[ScenarioResults]) -> str:
    rows = [[scenario.name, scenario.title, scenario.asks] for scenario in scenarios]
    return tables.markdown(("", "load", "what it asks"), rows)


def picture(pictures: Iterable[Picture], name: str) -> str:
    return "\n\n".join(shown.markdown() for shown in pictures if shown.name == name)


def counts(directory: Path) -> str:
    """The stored output of `bench instructions` and `bench syscalls`, if there is any."""
    found = [directory / name for name in COUNTS if (directory / name).exists()]
    return "\n\n".join(path.read_text().strip() for path in found) or "Not counted: see the README of the benchmarks."


def section(directory: Path, name: str) -> str:
    """The stored output of a command of its own, such as `bench cores`, if there is any."""
    path = directory / f"{name}.md"
    return path.read_text().strip() if path.exists() else "Not measured: see the README of the benchmarks."


def page(results: Results, thresholds: Thresholds, pictures: list[Picture], directory: Path) -> str:
    core = [scenario.name for scenario in CORE]
    closely = [results.ours, "pipes-async", "pipes-batches", "nio", "nio-tuned", "nio-async"]
    variants = ("S1p", "S1pp", "S1c", "S6o", "S7o", "S7b", "S10", "mixed", "open", "flood")
    growth = [name for name in results.scenarios if name.startswith("G")]
    sections = (
        "<!-- Written by Benchmarks/bench. Do not edit: run it again. -->",
        "# Measured against hand-written C, and others",
        "An echo server each, the same frames, the same load from one program that checks every reply; the server on "
        "one cpu, the load on another. Figures are ratios to the floor, an echo server in C on raw epoll, that ran right "
        "before and after, and then the median of the rounds: the kernel is most of the cost, and absolute figures "
        "carry over to no other machine. Rate: more is better. Cpu per message and latency: less is better.",
        "## Rate", picture(pictures, "rate"), tables.ratio_table(results, "rate"),
        "## Server cpu per message", picture(pictures, "cpu"), tables.ratio_table(results, "cpu"),
        "## Closely", "Ratios to the floor: the median of the rounds, and the interval that holds the true one in 19 of 20 cases. Of fewer "
        "than six rounds it is that of all. How far the floor itself repeats stands "
        "[below](#how-far-to-trust-it).",
        tables.close_table(results, core, closely),
        "## Other loads",
        "S6o and S7o are S6 and S7 with each message from memory of its own, as programs send them, and not from a "
        "pattern that stays in the cache. Where a figure holds for one of the two alone, it says something of the load.",
        tables.close_table(results, variants),
        "## Our client as the load",
        "Both against the server in C; ratios to the load in C, which knows nothing but this one protocol.",
        tables.client_table(results),
        "## Latency",
        "Of the run with the median p99. `open` counts from when a message was due; `flood` is what a connection with "
        "one message in flight meets beside four that send all they can.",
        picture(pictures, "latency"), tables.latency_table(results, ("S1", "S4", "open", "flood")),
        "## Growth with connections", picture(pictures, "growth"), tables.close_table(results, growth),
        "## Memory", picture(pictures, "memory"),
        "Of 10,000 connections after one round trip each, from what the kernel says is resident. Negative, or hardly "
        "anything: a collected heap was cleaned at the time, or had the room already.",
        tables.memory_table(results),
        "## All cores", section(directory, "cores"),
        "## Beyond the machine", section(directory, "beyond"),
        "## JSON-RPC", section(directory, "rpc"),
        "## Counts", counts(directory),
        "## Beside Redis", section(directory, "redis"),
        "## What must hold",
        "As the medians say, with their intervals. Where a ratio misses what it must be, but its interval reaches there, "
        "or where it is of fewer than six rounds, it is missed, but not for certain.",
        targets.table(results, thresholds),
        "## The loads", "Connections × messages in flight on each × size.", questions(results.scenarios.values()),
        "## How far to trust it", machine(results), NOISE, noise(results), absent(results))
    return "\n\n".join(section for section in sections if section) + "\n"
