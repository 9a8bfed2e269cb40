# SPDX-License-Identifier: Apache-2.0
"""The report page: what was measured, on what, how far to trust it, and whether it is what we want."""

from collections.abc import Iterable
from pathlib import Path

from . import tables, targets
from .limits import Thresholds
from .pictures import Picture
from .results import Results, ScenarioResults
from .scenarios import CORE

COUNTS = ("instructions.md", "syscalls.md")


def machine(results: Results) -> str:
    known = results.machine
    kind = "virtual" if known["virtual"] else "not virtual"
    versions = "; ".join(f"{name}: {version}" for name, version in known["versions"].items())
    return "\n".join((
        f"- {results.date}; {results.seconds_per_run:.2f} s measured in each run, after 0.1 s of warm-up.",
        f"- {known['cpu']}, {known['cores']} cores, {kind}; {known['memory_bytes'] / 2**30:.0f} GiB; "
        f"Linux {known['kernel']}; {known['system']}.",
        f"- {versions}.",
        f"- Load average {load(results, 'before')} before and {load(results, 'after')} after; the run itself is up to "
        "2 of it."))


def load(results: Results, when: str) -> str:
    return f"{results.load_average[when][0]:.1f}"


def noise(results: Results) -> str:
    rows = [
        [scenario.name, scenario.title, f"{scenario.noise(results.floor):.0%}"]
        for scenario in results.scenarios.values()]
    return tables.markdown(("", "load", "spread of the floor's rounds"), rows)


def absent(results: Results) -> str:
    lines = [f"- {name} was not measured: {why}." for name, why in results.unavailable.items()]
    for scenario in results.scenarios.values():
        lines += [f"- {name} failed in {scenario.name}: {why}." for name, why in scenario.failures.items()]
    return "\n".join(lines) or "- Everybody took part to the end."


def questions(scenarios: Iterable[ScenarioResults]) -> str:
    rows = [[scenario.name, scenario.title, scenario.asks] for scenario in scenarios]
    return tables.markdown(("", "load", "what it asks"), rows)


def picture(pictures: Iterable[Picture], name: str) -> str:
    return "\n\n".join(f"![{shown.alt}]({shown.file})" for shown in pictures if shown.name == name)


def counts(directory: Path) -> str:
    """What `bench instructions` and `bench syscalls` left beside the results, if they were asked to."""
    found = [directory / name for name in COUNTS if (directory / name).exists()]
    return "\n\n".join(path.read_text().strip() for path in found) or "Not counted: see the README of the benchmarks."


def page(results: Results, thresholds: Thresholds, pictures: list[Picture], directory: Path) -> str:
    core = [scenario.name for scenario in CORE]
    closely = [results.ours, "nio", "nio-tuned"]
    variants = ("S1p", "S1pp", "S1c", "S7b", "S10", "mixed", "open", "flood")
    growth = [name for name in results.scenarios if name.startswith("G")]
    sections = (
        "<!-- Written by Benchmarks/bench. Do not edit: run it again. -->",
        "# Measured against hand-written C, and others",
        "An echo server each, the same frames, the same load from one program that checks every reply; the server on "
        "one cpu, the load on another. Figures are ratios to the floor, an echo server in C on raw epoll, within the "
        "same round, and then the median of the rounds: the kernel is most of the cost, and absolute figures carry "
        "over to no other machine. Rate: more is better. Cpu per message and latency: less is better.",
        "## Rate", picture(pictures, "rate"), tables.ratio_table(results, "rate"),
        "## Server cpu per message", picture(pictures, "cpu"), tables.ratio_table(results, "cpu"),
        "## Closely", "Ratios to the floor: the median (least–most).",
        tables.close_table(results, core, closely),
        "## Other loads", tables.close_table(results, variants),
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
        "## Counts", counts(directory),
        "## What must hold", targets.table(results, thresholds),
        "## The loads", "Connections × messages in flight on each × size.", questions(results.scenarios.values()),
        "## How far to trust it", machine(results), noise(results), absent(results))
    return "\n\n".join(section for section in sections if section) + "\n"
