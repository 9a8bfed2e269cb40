# SPDX-License-Identifier: Apache-2.0
"""What we must reach, and whether a measurement says that we did."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from .limits import Limit, Thresholds
from .results import Results
from .summary import METRICS, values
from .tables import idle_bytes, markdown


@dataclass(frozen=True)
class Target:
    title: str
    must: str
    measured: str
    is_met: bool | None  # None: not measured

    def row(self) -> list[str]:
        verdict = {True: "yes", False: "**no**", None: "not measured"}[self.is_met]
        return [self.title, self.must, self.measured, verdict]


def of_limit(limit: Limit, results: Results) -> Target:
    scenario = results.scenarios.get(limit.scenario)
    found = limit.measured(scenario.runs) if scenario else None
    if found is None:
        return Target(limit.title(), limit.bound_title(), "–", None)
    return Target(limit.title(), limit.bound_title(), f"{found:.2f}", limit.holds(found))


def middle(results: Results, scenario: str, metric: str) -> float | None:
    runs = results.scenarios[scenario].runs if scenario in results.scenarios else []
    found = values(runs, results.ours, METRICS[metric]).values()
    return median(found) if found else None


def of_idle_memory(results: Results, most: float) -> Target:
    found = idle_bytes(results, results.ours)
    title, must = "Resident bytes per idle connection", f"≤ {most:,.0f}"
    return Target(title, must, "–", None) if found is None else Target(title, must, f"{found:,.0f}", found <= most)


def of_idle_crowd(results: Results) -> Target:
    """Not within a round: the two scenarios were measured one after the other."""
    title, least = "Rate beside 10,000 idle connections to that without", 0.95
    beside, alone = middle(results, "S10", "rate"), middle(results, "S1", "rate")
    if beside is None or alone is None:
        return Target(title, f"≥ {least}", "–", None)
    return Target(title, f"≥ {least}", f"{beside / alone:.2f}", beside / alone >= least)


def all_targets(results: Results, thresholds: Thresholds) -> Iterator[Target]:
    for limit in (*thresholds.checked, *thresholds.reported):
        yield of_limit(limit, results)
    yield of_idle_memory(results, thresholds.idle_bytes)
    yield of_idle_crowd(results)


def table(results: Results, thresholds: Thresholds) -> str:
    return markdown(
        ("Target", "must be", "measured", "met"), [target.row() for target in all_targets(results, thresholds)])
