# SPDX-License-Identifier: Apache-2.0
"""The targets, and whether a measurement shows that they are met."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median

from .limits import Limit, Thresholds
from .results import Results
from .summary import METRICS, values
from .tables import MISSING, idle_bytes, markdown


class Verdict(StrEnum):
    MET = "yes"
    MISSED = "**no**"
    OPEN = "not for certain"
    UNMEASURED = "not measured"

    @staticmethod
    def of(holds: bool, may_hold: bool = False) -> "Verdict":
        return Verdict.MET if holds else Verdict.OPEN if may_hold else Verdict.MISSED


@dataclass(frozen=True)
class Target:
    title: str
    must: str
    measured: str
    verdict: Verdict

    def row(self) -> list[str]:
        return [self.title, self.must, self.measured, self.verdict]


def unmeasured(title: str, must: str) -> Target:
    return Target(title, must, MISSING, Verdict.UNMEASURED)


def of_limit(limit: Limit, results: Results) -> Target:
    scenario = results.scenarios.get(limit.scenario)
    found = limit.measured(scenario.runs) if scenario else None
    if found is None:
        return unmeasured(limit.title(), limit.bound_title())
    verdict = Verdict.of(limit.holds(found.median), limit.may_hold(found))
    return Target(limit.title(), limit.bound_title(), f"{found}{beside(limit, results)}", verdict)


def beside(limit: Limit, results: Results) -> str:
    """The floor's own ratio to a peer: the best possible on this machine."""
    scenario = results.scenarios[limit.scenario]
    if limit.entry != results.ours or scenario.servers[limit.to] in (results.floor, results.ours):
        return ""
    found = replace(limit, entry=results.floor).measured(scenario.runs)
    return "" if found is None else f"; {results.floor}: {found.median:.2f}"


def middle(results: Results, scenario: str, metric: str, entry: str) -> float | None:
    runs = results.scenarios[scenario].runs if scenario in results.scenarios else []
    found = values(runs, entry, METRICS[metric]).values()
    return median(found) if found else None


def of_idle_memory(results: Results, entry: str, most: float, is_aim: bool = False) -> Target:
    found = idle_bytes(results, entry)
    title, must = f"Resident bytes per idle connection, {entry}{' (aim)' if is_aim else ''}", f"≤ {most:,.0f}"
    return unmeasured(title, must) if found is None else Target(title, must, f"{found:,.0f}", Verdict.of(found <= most))


# One read of the reactor's receive buffer, 224 KiB, in frames of 68 bytes: the most that a connection is served in a
# turn.
BUDGET_MESSAGES = (224 << 10) // 68


def of_flood(results: Results) -> Target:
    """The added latency of a polite client beside flooders."""
    title = "p99 beside 4 flooders less that without, µs: at most one budget's time"
    flooded = middle(results, "flood", "p99", results.ours)
    alone = middle(results, "flood", "p99", f"{results.ours}, alone")
    message = middle(results, "S2", "cpu", results.ours)
    if flooded is None or alone is None or message is None:
        return unmeasured(title, MISSING)
    most = BUDGET_MESSAGES * message / 1e3
    return Target(title, f"≤ {most:,.0f}", f"{flooded - alone:,.0f}", Verdict.of(flooded - alone <= most))


def all_targets(results: Results, thresholds: Thresholds) -> Iterator[Target]:
    for limit in (*thresholds.checked, *thresholds.reported):
        yield of_limit(limit, results)
    for entry, most in thresholds.idle_bytes.items():
        yield of_idle_memory(results, entry, most)
    for entry, most in thresholds.idle_aims.items():
        yield of_idle_memory(results, entry, most, is_aim=True)
    yield of_flood(results)


def table(results: Results, thresholds: Thresholds) -> str:
    return markdown(
        ("Target", "must be", "measured", "met"), [target.row() for target in all_targets(results, thresholds)])
