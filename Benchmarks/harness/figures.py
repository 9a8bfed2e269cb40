# SPDX-License-Identifier: Apache-2.0
"""Figures of a section that has a table of its own: each with its rounds, its bound and its aim."""

import datetime
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from . import machine
from .limits import FigureLimit
from .quiet import Chosen
from .summary import Spread
from .tables import markdown
from .targets import Verdict


@dataclass(frozen=True)
class Figure:
    """One line of the section."""

    name: str
    title: str
    values: list[float]
    # The rounds that count, of how many, and what disturbed them.
    rounds: str
    is_quiet: bool = True

    @property
    def spread(self) -> Spread:
        return Spread.of(self.values)


def figure(name: str, title: str, chosen: Chosen[float]) -> Figure:
    return Figure(name, title, chosen.values, str(chosen), chosen.is_quiet)


def verdict(limit: FigureLimit, found: Figure) -> Verdict:
    spread = found.spread
    may_hold = not found.is_quiet or limit.holds(spread.high if limit.at_least is not None else spread.low)
    return Verdict.of(limit.holds(spread.median), may_hold)


def measured(found: Figure) -> str:
    return str(found.spread) if len(found.values) > 1 else f"{found.values[0]:g}"


def row(limit: FigureLimit, found: Figure) -> list[str]:
    holds = verdict(limit, found) if limit.is_bound else "–"
    return [found.title, limit.title(), limit.aim_title(), measured(found), holds, found.rounds]


@dataclass(frozen=True)
class Results:
    date: str
    machine: dict[str, object]
    load_average: dict[str, list[float]]
    figures: list[Figure]

    @staticmethod
    def now(figures: list[Figure], load_before: Sequence[float], versions: Mapping[str, str] = {}) -> "Results":
        """`versions`: of programs that only this section measures."""
        known = machine.describe()
        return Results(
            datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
            known | {"versions": {**known["versions"], **versions}},
            {"before": list(load_before), "after": list(os.getloadavg())}, figures)

    def where(self) -> str:
        """When it was measured, and on which machine."""
        load = {when: f"{averages[0]:.1f}" for when, averages in self.load_average.items()}
        return (
            f"{self.date}; {self.machine['cpu']}, {self.machine['cores']} cores, Linux {self.machine['kernel']}; load "
            f"average {load['before']} before and {load['after']} after.")

    def publish(self, directory: Path | None, name: str, page: str) -> None:
        """Prints the page, and keeps it with the figures if there is a directory for them."""
        print(page)
        if directory is None:
            return
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{name}.json").write_text(json.dumps(asdict(self), indent=1) + "\n")
        (directory / f"{name}.md").write_text(page + "\n")


def show_progress(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr, flush=True)


def table(found: Results, limits: dict[str, FigureLimit]) -> str:
    header = ("", "must be", "aim", "measured", "is it", "rounds")
    return markdown(header, [row(limits.get(one.name, FigureLimit()), one) for one in found.figures])


