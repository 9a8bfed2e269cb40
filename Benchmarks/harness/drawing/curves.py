# SPDX-License-Identifier: Apache-2.0
"""Pictures with a curve for each server."""

from collections.abc import Callable
from statistics import median

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from ..results import ScenarioResults
from ..summary import METRICS, Run
from .theme import KEY, Canvas, plain

LATENCIES = ("S4", "open", "flood")


def style(canvas: Canvas, server: str, servers: list[str]) -> dict[str, object]:
    """The style of a server, the same in every panel."""
    results, lines = canvas.results, canvas.theme.lines
    if server == results.ours:
        return {"color": canvas.theme.ours, "linewidth": 2.4, "zorder": 5, "marker": "o", "markersize": 4}
    if server == results.floor:
        return {"color": canvas.theme.text, "linewidth": 1.6, "zorder": 4, "marker": "x", "markersize": 4}
    others = [name for name in servers if name not in (results.ours, results.floor)]
    hue, marker, dashes = lines[others.index(server) % len(lines)]
    return {"color": hue, "linewidth": 1.3, "linestyle": dashes, "marker": marker, "markersize": 3.5}


def servers_of(canvas: Canvas, scenarios: list[ScenarioResults]) -> list[str]:
    taking_part = {server for scenario in scenarios for server in scenario.servers.values()}
    return [server for server in canvas.results.titles if server in taking_part]


def legend(figure: Figure, panels: list[Axes]) -> None:
    known = dict(pair[::-1] for axes in panels for pair in zip(*axes.get_legend_handles_labels()))
    figure.legend(
        known.values(), known.keys(), loc="upper center", bbox_to_anchor=(0.5, 0), ncol=min(len(known), 4),
        frameon=False)


def curve_panel(axes: Axes, canvas: Canvas, scenario: ScenarioResults, servers: list[str]) -> None:
    """Percentiles by what is beyond them: each step to the right is ten times as rare."""
    for server in servers:
        points = [(100 / (100 - part), value) for part, value in scenario.curves.get(server, []) if part < 100]
        if points:
            look = style(canvas, server, servers) | {"markevery": max(len(points) // 7, 1)}
            axes.plot(*zip(*points), label=canvas.label(server), **look)
    axes.set_xscale("log")
    axes.set_yscale("log")
    ticks = {1: "0 %", 10: "90 %", 100: "99 %", 1000: "99.9 %", 10_000: "99.99 %", 100_000: "99.999 %"}
    furthest = axes.get_xlim()[1]
    axes.set_xticks([tick for tick in ticks if tick <= furthest], [ticks[tick] for tick in ticks if tick <= furthest])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(1, furthest)
    axes.yaxis.set_major_formatter(FuncFormatter(plain))
    axes.grid(axis="y", color=canvas.theme.grid, linewidth=0.6)
    axes.set_title(f"{scenario.name}   {scenario.title}")
    axes.set_xlabel("part of the messages that is faster")


def draw_latency(canvas: Canvas) -> None:
    scenarios = [canvas.results.scenarios[name] for name in LATENCIES if name in canvas.results.scenarios]
    if not scenarios:
        return
    shown = servers_of(canvas, scenarios[1:] or scenarios)[: len(canvas.theme.lines) + 2]
    figure, panels = plt.subplots(
        1, len(scenarios), figsize=(4.1 * len(scenarios), 3.9), squeeze=False, layout="constrained")
    for axes, scenario in zip(panels.flat, scenarios):
        curve_panel(axes, canvas, scenario, shown)
    panels.flat[0].set_ylabel("latency, µs")
    legend(figure, list(panels.flat))
    canvas.save(figure, "latency", "Latency (less is better; logarithmic)", KEY)


def resident_per_connection(run: Run, connections: int) -> float:
    resident = run.result["server_resident_bytes"]
    return (resident["after"] - resident["before"]) / connections


def growth_panel(
    axes: Axes, canvas: Canvas, scenarios: list[ScenarioResults], servers: list[str],
    value: Callable[[Run, int], float],
) -> None:
    for server in servers:
        points = []
        for scenario in scenarios:
            found = [value(run, scenario.connections) for run in scenario.runs if run.entry == server]
            points += [(scenario.connections, median(found))] if found else []
        if points:
            axes.plot(*zip(*points), label=canvas.label(server), **style(canvas, server, servers))
    axes.set_xscale("log")
    axes.set_xticks([scenario.connections for scenario in scenarios])
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(plain))
    axes.tick_params(axis="x", rotation=30)
    axes.grid(axis="y", color=canvas.theme.grid, linewidth=0.6)
    axes.set_xlabel("connections, one message in flight on each")


def draw_growth(canvas: Canvas) -> None:
    scenarios = [scenario for name, scenario in canvas.results.scenarios.items() if name.startswith("G")]
    if len(scenarios) < 2:
        return
    servers = servers_of(canvas, scenarios)
    figure, (cpu, memory) = plt.subplots(1, 2, figsize=(9, 3.9), layout="constrained")
    growth_panel(cpu, canvas, scenarios, servers, lambda run, _: METRICS["cpu"](run.result))
    cpu.set_ylim(bottom=0)
    cpu.set_title("Server cpu per message, ns (less is better)")
    growth_panel(memory, canvas, scenarios, servers, resident_per_connection)
    memory.set_yscale("log")
    memory.set_ylim(bottom=10)
    memory.yaxis.set_major_formatter(FuncFormatter(plain))
    memory.set_title("Resident bytes per busy connection (less is better)")
    legend(figure, [cpu, memory])
    canvas.save(figure, "growth", "Growth with connections")
