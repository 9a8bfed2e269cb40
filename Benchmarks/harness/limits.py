# SPDX-License-Identifier: Apache-2.0
"""The limits in thresholds.json, and whether they hold."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .summary import METRICS, Run, Spread, ratios

FILE = Path(__file__).resolve().parent.parent / "thresholds.json"


@dataclass(frozen=True)
class Limit:
    """A ratio that must not be below, or above, a bound."""

    scenario: str
    entry: str
    to: str
    metric: str
    at_least: float | None = None
    at_most: float | None = None
    is_aim: bool = False  # wished for, not required

    def bound(self, tolerance: float = 0) -> float:
        if self.at_least is not None:
            return self.at_least * (1 - tolerance)
        if self.at_most is not None:
            return self.at_most * (1 + tolerance)
        raise ValueError(f"{self} has no bound")

    def holds(self, ratio: float, tolerance: float = 0) -> bool:
        bound = self.bound(tolerance)
        return ratio >= bound if self.at_least is not None else ratio <= bound

    def measured(self, runs: Iterable[Run]) -> Spread | None:
        """The median of the ratios within the rounds, and its interval; None if they did not meet."""
        found = ratios(runs, self.entry, self.to, METRICS[self.metric])
        return Spread.of(found) if found else None

    def may_hold(self, found: Spread) -> bool:
        """Whether the true ratio may be within the limit, as far as is known."""
        return not found.is_certain or self.holds(found.high if self.at_least is not None else found.low)

    def title(self) -> str:
        what = {"cpu": "server cpu per message", "load_cpu": "the load's cpu per message"}.get(self.metric, self.metric)
        return f"{self.scenario}: {what} of {self.entry} to {self.to}{' (aim)' if self.is_aim else ''}"

    def bound_title(self, tolerance: float = 0) -> str:
        return f"{'≥' if self.at_least is not None else '≤'} {self.bound(tolerance):.2f}"


@dataclass(frozen=True)
class FigureLimit:
    """A bound for a figure of a section such as `bench cores`, and what is aimed at. Without a bound, it holds."""

    at_least: float | None = None
    at_most: float | None = None
    aim: float | None = None

    @property
    def is_bound(self) -> bool:
        return self.at_least is not None or self.at_most is not None

    def holds(self, value: float) -> bool:
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is None or value <= self.at_most

    def title(self) -> str:
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        return "–" if self.at_most is None else f"≤ {self.at_most:g}"

    def aim_title(self) -> str:
        return "–" if self.aim is None else f"{self.aim:g}"


@dataclass(frozen=True)
class Thresholds:
    """`checked` are those that hold on any machine; `reported` need peers, or a machine where waking a CPU is expensive.

    Instructions of a message repeat, but how many events a wait brings depends on how busy the machine is, and at S4 each
    message has its share of the wait: hence their tolerance.
    """

    tolerance: dict[str, float]
    checked: list[Limit]
    reported: list[Limit]
    idle_bytes: dict[str, float]  # at most, by entry of S10
    idle_aims: dict[str, float]
    instructions: dict[str, dict[str, float]]  # at most, by server, then by scenario
    instruction_aims: dict[str, dict[str, float]]
    instructions_tolerance: float
    system_calls: dict[str, Any]
    cores: dict[str, FigureLimit]  # by figure
    beyond: dict[str, FigureLimit]  # by figure
    rpc: dict[str, FigureLimit]  # by figure

    @staticmethod
    def load(path: Path = FILE) -> "Thresholds":
        fields = json.loads(path.read_text())
        for name in ("checked", "reported"):
            fields[name] = [Limit(**limit) for limit in fields[name]]
        for name in ("cores", "beyond", "rpc"):
            fields[name] = {figure: FigureLimit(**limit) for figure, limit in fields[name].items()}
        return Thresholds(**fields)


@dataclass(frozen=True)
class Violation:
    limit: Limit
    measured: Spread | None
    tolerance: float

    def __str__(self) -> str:
        found = "not measured" if self.measured is None else str(self.measured)
        return f"{self.limit.title()} is {found}, and must be {self.limit.bound_title(self.tolerance)}"


def violations(limits: Iterable[Limit], runs: dict[str, list[Run]], tolerance: float) -> list[Violation]:
    """The violated limits whose two sides were measured by scenario; a missing measurement is a violation."""
    found = []
    for limit in limits:
        measured = limit.measured(runs.get(limit.scenario, []))
        if measured is None or not limit.holds(measured.median, tolerance):
            found.append(Violation(limit, measured, tolerance))
    return found
