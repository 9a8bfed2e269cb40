# SPDX-License-Identifier: Apache-2.0
"""Pictures with a row for each server, so that every value has its name beside it.

A bar is as long as its value, from zero, and ends within its panel. On a logarithmic axis, which has no zero, a length
would say nothing: values are dots there.
"""

from collections.abc import Callable

import matplotlib.pyplot as plt
from matplotlib import patheffects
from matplotlib.axes import Axes

from ..results import ScenarioResults
from ..tables import core, idle_bytes
from .theme import KEY, Canvas, logarithmic, plain

# Of the page that introduces the project: a burst, many clients with some and with one message in flight, and large ones.
INTRODUCED = ("S2", "S3", "S4", "S6")


def rows(axes: Axes, canvas: Canvas, servers: list[str], values: dict[str, float], shown: Callable[[float], str]) -> None:
    is_logarithmic = axes.get_xscale() == "log"
    least = axes.get_xlim()[0]
    for place, server in enumerate(servers):
        value = values.get(server)
        is_ours = server == canvas.results.ours
        if value is not None and is_logarithmic:
            # From edge to edge, because its length says nothing.
            axes.axhline(place, color=canvas.theme.grid, linewidth=0.8, zorder=1)
            axes.plot(value, place, "o", color=canvas.colour(server), markersize=7 if is_ours else 6, clip_on=False, zorder=3)
        elif value is not None:
            axes.barh(place, value, color=canvas.colour(server), height=0.74)
        axes.annotate(
            "not measured" if value is None else shown(value), (least if value is None else value, place),
            xytext=(7 if is_logarithmic else 3, 0), textcoords="offset points", va="center", fontsize=7.5,
            annotation_clip=False, color=canvas.theme.ours if is_ours else canvas.theme.text,
            fontweight="bold" if is_ours else "normal",
            path_effects=[patheffects.withStroke(linewidth=2.2, foreground=canvas.theme.page)])
    axes.set_yticks(range(len(servers)), [canvas.label(server) for server in servers])
    for tick, server in zip(axes.get_yticklabels(), servers):
        is_ours = server == canvas.results.ours
        tick.set_fontweight("bold" if is_ours else "normal")
        tick.set_color(canvas.theme.ours if is_ours else canvas.theme.text)
    axes.set_ylim(len(servers) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def ratios(canvas: Canvas, scenario: ScenarioResults, metric: str) -> dict[str, float]:
    found = scenario.comparisons(canvas.results.floor)
    return {one.entry: one.ratio[metric].median for one in found if metric in one.ratio}


def draw_ratios(canvas: Canvas, name: str, metric: str, title: str, only: tuple[str, ...] | None = None) -> None:
    scenarios = [scenario for scenario in core(canvas.results) if only is None or scenario.name in only]
    if not scenarios:
        return
    taking_part = {run.entry for scenario in scenarios for run in scenario.runs}
    servers = [server for server in canvas.results.titles if server in taking_part]
    values = [ratios(canvas, scenario, metric) for scenario in scenarios]
    everything = [value for found in values for value in found.values()]
    columns = min(4, len(scenarios))
    lines = -(-len(scenarios) // columns)
    figure, panels = plt.subplots(
        lines, columns, figsize=(2.6 * columns + 2, (0.19 * len(servers) + 0.8) * lines + 0.3), sharey=True,
        squeeze=False, layout="constrained")
    for axes, scenario, found in zip(panels.flat, scenarios, values):
        # The ends of the axes are the same for all loads, so that panels can be compared.
        if metric == "cpu":
            logarithmic(axes, min(0.4, 0.8 * min(everything)), 1.6 * max(everything))
            axes.set_xticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
        else:
            axes.set_xlim(0, 1.15 * max(everything))
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        rows(axes, canvas, servers, found, lambda value: f"{value:.2f}" if value < 10 else f"{value:.0f}")
        axes.axvline(1, color=canvas.theme.text, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0.5)
        axes.set_title(f"{scenario.name}   {scenario.title}")
    for axes in panels.flat[len(scenarios):]:
        axes.axis("off")
    canvas.save(figure, name, title, KEY)


def draw_memory(canvas: Canvas) -> None:
    found = {server: idle_bytes(canvas.results, server) for server in canvas.results.titles}
    known = {server: value for server, value in found.items() if value is not None and value > 0}
    if not known:
        return
    servers = sorted(known, key=known.__getitem__)
    figure, axes = plt.subplots(figsize=(7.5, 0.26 * len(servers) + 1.3), layout="constrained")
    logarithmic(axes, min(10, 0.6 * min(known.values())), 1.6 * max(known.values()))
    rows(axes, canvas, servers, known, plain)
    canvas.save(figure, "memory", "Resident bytes of an idle connection (less is better; logarithmic)")
