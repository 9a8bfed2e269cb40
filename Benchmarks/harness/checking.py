# SPDX-License-Identifier: Apache-2.0
"""`bench check`: fails when a ratio to the floor is beyond its limit, and takes a second look before it does."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .limits import Limit, Thresholds, violations
from .measuring import Measurements, measure
from .plan import fixed_plan
from .scenarios import LOAD, SCENARIOS, Scenario
from .servers import SERVERS, build
from .summary import Run


@dataclass(frozen=True)
class Form:
    """How closely to look; a second look takes `second_rounds` more rounds."""

    name: str
    rounds: int
    second_rounds: int
    seconds: float


SHORT = Form("short", rounds=7, second_rounds=21, seconds=0.1)
LONG = Form("long", rounds=21, second_rounds=42, seconds=0.1)


def needed(limits: Iterable[Limit]) -> tuple[list[Scenario], list[str]]:
    """The scenarios and servers that have limits, in the order of the tables."""
    known = list(limits)
    scenarios = [scenario for name, scenario in SCENARIOS.items() if any(limit.scenario == name for limit in known)]
    labels = {name for limit in known for name in (limit.entry, limit.to)}
    return scenarios, [name for name in SERVERS if name in labels]


def runs_of(measurements: Measurements) -> dict[str, list[Run]]:
    return {
        name: [Run(slot.round, slot.entry.label, result) for slot, result in measured.runs]
        for name, measured in measurements.items()}


def joined(first: list[Run], second: list[Run]) -> list[Run]:
    """The rounds of the second look, after those of the first."""
    offset = 1 + max((run.round for run in first), default=-1)
    return first + [Run(run.round + offset, run.entry, run.result) for run in second]


def look(programs: Path, limits: Sequence[Limit], rounds: int, seconds: float) -> dict[str, list[Run]]:
    scenarios, servers = needed(limits)
    return runs_of(measure(programs, fixed_plan(scenarios, servers, rounds, seconds)))


def check(form: Form, programs: Path | None) -> int:
    """Prints the findings; returns the process's status."""
    thresholds = Thresholds.load()
    limits, tolerance = thresholds.checked, thresholds.tolerance[form.name]
    programs = programs or build([SERVERS[name] for name in needed(limits)[1]], [LOAD])
    runs = look(programs, limits, form.rounds, form.seconds)
    fallen = violations(limits, runs, tolerance)
    if fallen:
        names = sorted({violation.limit.scenario for violation in fallen})
        print(f"A second look, {form.second_rounds} rounds more, at {', '.join(names)}", file=sys.stderr)
        again = [limit for limit in limits if limit.scenario in names]
        for name, more in look(programs, again, form.second_rounds, form.seconds).items():
            runs[name] = joined(runs.get(name, []), more)
        fallen = violations(limits, runs, tolerance)
    print_ratios(limits, runs, tolerance)
    for violation in fallen:
        print(f"FAILED: {violation}")
    print(f"{len(limits) - len(fallen)} of {len(limits)} ratios hold, with {tolerance:.0%} for noise.")
    return 1 if fallen else 0


def print_ratios(limits: Iterable[Limit], runs: dict[str, list[Run]], tolerance: float) -> None:
    for limit in limits:
        measured = limit.measured(runs.get(limit.scenario, []))
        found = "-" if measured is None else f"{measured}"
        print(f"{found:<18}  {limit.bound_title():>6}, here {limit.bound_title(tolerance):>6}  {limit.title()}")
