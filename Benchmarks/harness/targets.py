# SPDX-License-Identifier: Apache-2.0
"""What we must reach, and whether a measurement says that we did."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
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
    return Target(limit.title(), limit.bound_title(), f"{found:.2f}{beside(limit, results)}", limit.holds(found))


def beside(limit: Limit, results: Results) -> str:
    """The floor's own ratio to a peer: what the machine leaves room for."""
    if results.floor in (limit.entry, limit.to) or limit.entry != results.ours:
        return ""
    found = replace(limit, entry=results.floor).measured(results.scenarios[limit.scenario].runs)
    return "" if found is None else f" ({results.floor}: {found:.2f})"


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


# One read of the reactor's receive space, 224 KiB, in frames of 68 bytes: what a connection may have served in a turn.
BUDGET_MESSAGES = (224 << 10) // 68


def of_flood(results: Results) -> Target:
    """Not within a round, as the idle crowd: how much later a polite client hears beside flooders."""
    title = "p99 beside 4 flooders less that without, µs: at most one budget's time"
    flooded, alone = middle(results, "flood", "p99"), middle(results, "S1", "p99")
    message = middle(results, "S2", "cpu")
    if flooded is None or alone is None or message is None:
        return Target(title, "–", "–", None)
    most = BUDGET_MESSAGES * message / 1e3
    return Target(title, f"≤ {most:,.0f}", f"{flooded - alone:,.0f}", flooded - alone <= most)


def all_targets(results: Results, thresholds: Thresholds) -> Iterator[Target]:
    for limit in (*thresholds.checked, *thresholds.reported):
        yield of_limit(limit, results)
    yield of_idle_memory(results, thresholds.idle_bytes)
    yield of_idle_crowd(results)
    yield of_flood(results)


def table(results: Results, thresholds: Thresholds) -> str:
    return markdown(
        ("Target", "must be", "measured", "met"), [target.row() for target in all_targets(results, thresholds)])
