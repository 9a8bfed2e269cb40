# SPDX-License-Identifier: Apache-2.0
"""The pictures, with matplotlib: `python3 -m harness.drawing RESULTS DIRECTORY`.

Ours always has the same strong colour, the floor is black; the others' are of the palette of Okabe and Ito, which
people with any colour vision can tell apart, and have different markers and dashes.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from .results import Results, ScenarioResults, load
from .summary import METRICS, Run
from .tables import core, idle_bytes

OURS, FLOOR, OTHER = "#D55E00", "#1A1A1A", "#A9BBCB"
LINES = (("#0072B2", "o", "--"), ("#009E73", "s", "-."), ("#CC79A7", "^", ":"), ("#E69F00", "D", "--"),
         ("#56B4E9", "v", "-."))
LATENCIES = ("S4", "open", "flood")
# The ends of the axes: the same for all loads, so that bars can be compared from panel to panel.
MOST_RATE, LEAST_CPU, MOST_CPU = 1.35, 0.4, 20.0

plt.rcParams.update({
    "font.size": 9, "axes.titlesize": 10, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlelocation": "left", "axes.edgecolor": "#888888", "svg.hashsalt": "bench"})


def colour(results: Results, server: str) -> str:
    return {results.ours: OURS, results.floor: FLOOR}.get(server, OTHER)


def label(results: Results, server: str) -> str:
    return results.titles.get(server, server)


def plain(value: float, _position: object = None) -> str:
    """1,000 rather than 10 to the power of 3."""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def save(figure: Figure, directory: Path, name: str) -> None:
    figure.savefig(directory / f"{name}.png", dpi=130, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


# Bars: one panel for each load, one bar for each server, so that every bar has its name beside it.


def bars(
    axes: Axes, results: Results, servers: list[str], values: dict[str, float], shown: Callable[[float], str],
) -> None:
    """A bar that reaches beyond the axis is cut off there; its figure gives the value."""
    furthest = 0.92 * axes.get_xlim()[1]
    for place, server in enumerate(servers):
        value = values.get(server)
        emphasis = {"color": OURS, "fontweight": "bold"} if server == results.ours else {"color": "#333333"}
        if value is not None:
            axes.barh(place, min(value, furthest), color=colour(results, server), height=0.74)
        axes.annotate(
            "not measured" if value is None else shown(value), (min(value or axes.get_xlim()[0], furthest), place),
            xytext=(3, 0), textcoords="offset points", va="center", fontsize=7.5, annotation_clip=False,
            path_effects=[patheffects.withStroke(linewidth=2.2, foreground="white")], **emphasis)
    axes.set_yticks(range(len(servers)), [label(results, server) for server in servers])
    for tick, server in zip(axes.get_yticklabels(), servers):
        tick.set_fontweight("bold" if server == results.ours else "normal")
        tick.set_color(OURS if server == results.ours else "#222222")
    axes.set_ylim(len(servers) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def ratio_panel(axes: Axes, results: Results, scenario: ScenarioResults, servers: list[str], metric: str) -> None:
    values = {
        found.entry: found.ratio[metric].median
        for found in scenario.comparisons(results.floor) if metric in found.ratio}
    if metric == "cpu":
        logarithmic(axes, LEAST_CPU, MOST_CPU)
        axes.set_xticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
    else:
        axes.set_xlim(0, MOST_RATE)
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    bars(axes, results, servers, values, lambda value: f"{value:.2f}" if value < 10 else f"{value:.0f}")
    axes.axvline(1, color=FLOOR, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0.5)
    axes.set_title(f"{scenario.name}   {scenario.title}")


def logarithmic(axes: Axes, least: float, most: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(least, most)
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    axes.xaxis.set_minor_locator(NullLocator())


def draw_ratios(results: Results, directory: Path, metric: str, title: str) -> None:
    scenarios = core(results)
    if not scenarios:
        return
    taking_part = {run.entry for scenario in scenarios for run in scenario.runs}
    servers = [server for server in results.titles if server in taking_part]
    columns = min(4, len(scenarios))
    rows = -(-len(scenarios) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(2.6 * columns + 2, (0.19 * len(servers) + 0.8) * rows), sharey=True, squeeze=False,
        layout="constrained")
    for axes, scenario in zip(panels.flat, scenarios):
        ratio_panel(axes, results, scenario, servers, metric)
    for axes in panels.flat[len(scenarios):]:
        axes.axis("off")
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    save(figure, directory, metric)


def draw_memory(results: Results, directory: Path) -> None:
    found = {server: idle_bytes(results, server) for server in results.titles}
    known = {server: value for server, value in found.items() if value is not None and value > 0}
    if not known:
        return
    servers = sorted(known, key=known.__getitem__)
    figure, axes = plt.subplots(figsize=(7.5, 0.26 * len(servers) + 1.1), layout="constrained")
    logarithmic(axes, min(10, 0.6 * min(known.values())), 1.2 * max(known.values()))
    bars(axes, results, servers, known, plain)
    axes.set_title("Resident bytes per idle connection (less is better; logarithmic)")
    save(figure, directory, "memory")


# Curves.


def style(results: Results, server: str, servers: list[str]) -> dict[str, object]:
    """The style of a server, the same in every panel."""
    if server == results.ours:
        return {"color": OURS, "linewidth": 2.4, "zorder": 5, "marker": "o", "markersize": 4}
    if server == results.floor:
        return {"color": FLOOR, "linewidth": 1.6, "zorder": 4, "marker": "x", "markersize": 4}
    others = [name for name in servers if name not in (results.ours, results.floor)]
    hue, marker, dashes = LINES[others.index(server) % len(LINES)]
    return {"color": hue, "linewidth": 1.3, "linestyle": dashes, "marker": marker, "markersize": 3.5}


def servers_of(results: Results, scenarios: list[ScenarioResults]) -> list[str]:
    taking_part = {server for scenario in scenarios for server in scenario.servers.values()}
    return [server for server in results.titles if server in taking_part]


def legend(figure: Figure, panels: list[Axes]) -> None:
    known = dict(pair[::-1] for axes in panels for pair in zip(*axes.get_legend_handles_labels()))
    figure.legend(
        known.values(), known.keys(), loc="upper center", bbox_to_anchor=(0.5, 0), ncol=min(len(known), 4),
        frameon=False)


def curve_panel(axes: Axes, results: Results, scenario: ScenarioResults, servers: list[str]) -> None:
    """Percentiles by what is beyond them: each step to the right is ten times as rare."""
    for server in servers:
        points = [(100 / (100 - part), value) for part, value in scenario.curves.get(server, []) if part < 100]
        if points:
            look = style(results, server, servers) | {"markevery": max(len(points) // 7, 1)}
            axes.plot(*zip(*points), label=label(results, server), **look)
    axes.set_xscale("log")
    axes.set_yscale("log")
    ticks = {1: "0 %", 10: "90 %", 100: "99 %", 1000: "99.9 %", 10_000: "99.99 %", 100_000: "99.999 %"}
    furthest = axes.get_xlim()[1]
    axes.set_xticks([tick for tick in ticks if tick <= furthest], [ticks[tick] for tick in ticks if tick <= furthest])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(1, furthest)
    axes.yaxis.set_major_formatter(FuncFormatter(plain))
    axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
    axes.set_title(f"{scenario.name}   {scenario.title}")
    axes.set_xlabel("part of the messages that is faster")


def draw_latency(results: Results, directory: Path) -> None:
    scenarios = [results.scenarios[name] for name in LATENCIES if name in results.scenarios]
    if not scenarios:
        return
    shown = servers_of(results, scenarios[1:] or scenarios)[: len(LINES) + 2]
    figure, panels = plt.subplots(
        1, len(scenarios), figsize=(4.1 * len(scenarios), 3.9), squeeze=False, layout="constrained")
    for axes, scenario in zip(panels.flat, scenarios):
        curve_panel(axes, results, scenario, shown)
    panels.flat[0].set_ylabel("latency, µs")
    legend(figure, list(panels.flat))
    figure.suptitle("Latency (less is better)", x=0.01, ha="left", fontsize=11, fontweight="bold")
    save(figure, directory, "latency")


def resident_per_connection(run: Run, connections: int) -> float:
    resident = run.result["server_resident_bytes"]
    return (resident["after"] - resident["before"]) / connections


def growth_panel(
    axes: Axes, results: Results, scenarios: list[ScenarioResults], servers: list[str],
    value: Callable[[Run, int], float],
) -> None:
    for server in servers:
        points = []
        for scenario in scenarios:
            found = [value(run, scenario.connections) for run in scenario.runs if run.entry == server]
            points += [(scenario.connections, median(found))] if found else []
        if points:
            axes.plot(*zip(*points), label=label(results, server), **style(results, server, servers))
    axes.set_xscale("log")
    axes.set_xticks([scenario.connections for scenario in scenarios])
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(plain))
    axes.tick_params(axis="x", rotation=30)
    axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
    axes.set_xlabel("connections, one message in flight on each")


def draw_growth(results: Results, directory: Path) -> None:
    scenarios = [scenario for name, scenario in results.scenarios.items() if name.startswith("G")]
    if len(scenarios) < 2:
        return
    servers = servers_of(results, scenarios)
    figure, (cpu, memory) = plt.subplots(1, 2, figsize=(9, 3.9), layout="constrained")
    growth_panel(cpu, results, scenarios, servers, lambda run, _: METRICS["cpu"](run.result))
    cpu.set_ylim(bottom=0)
    cpu.set_title("Server cpu per message, ns (less is better)")
    growth_panel(memory, results, scenarios, servers, resident_per_connection)
    memory.set_yscale("log")
    memory.set_ylim(bottom=10)
    memory.yaxis.set_major_formatter(FuncFormatter(plain))
    memory.set_title("Resident bytes per busy connection (less is better)")
    legend(figure, [cpu, memory])
    save(figure, directory, "growth")


def main() -> None:
    results, directory = load(Path(sys.argv[1])), Path(sys.argv[2])
    draw_ratios(results, directory, "rate", "Messages a second, relative to C (more is better)")
    draw_ratios(results, directory, "cpu", "Server cpu per message, relative to C (less is better; logarithmic)")
    draw_latency(results, directory)
    draw_growth(results, directory)
    draw_memory(results, directory)


if __name__ == "__main__":
    main()
