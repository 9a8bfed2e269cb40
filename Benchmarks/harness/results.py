# SPDX-License-Identifier: Apache-2.0
"""The measurements, as a file from which the report and the pictures are made."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .measuring import Measured
from .scenarios import Scenario
from .summary import METRICS, Comparison, Run, compare, entries, repeats, typical

CURVE = "latency_curve_us"


@dataclass(frozen=True)
class ScenarioResults:
    name: str
    title: str
    asks: str
    connections: int
    servers: dict[str, str]  # by entry
    runs: list[Run]
    curves: dict[str, list[tuple[float, float]]]  # percentile and microseconds, by entry
    failures: dict[str, str]

    def comparisons(self, floor: str) -> list[Comparison]:
        return [compare(self.runs, entry, floor) for entry in entries(self.runs)]

    def comparison(self, entry: str, floor: str) -> Comparison | None:
        return compare(self.runs, entry, floor) if entry in entries(self.runs) else None

    def repeated(self, floor: str, metric: str) -> list[float]:
        """The floor against itself: the ratio of its second run to its first, in each round."""
        return repeats(self.runs, floor, METRICS[metric])


@dataclass(frozen=True)
class Results:
    date: str
    machine: dict[str, Any]
    load_average: dict[str, list[float]]
    floor: str
    ours: str
    titles: dict[str, str]  # by server, in the order of the tables
    unavailable: dict[str, str]
    scenarios: dict[str, ScenarioResults]


def collect(scenario: Scenario, measured: Measured) -> ScenarioResults:
    """Keeps one latency curve for each entry: all of them would be most of the file."""
    runs = [Run(slot.round, slot.entry.label, result) for slot, result in measured.runs]
    chosen = {entry: typical(runs, entry) for entry in entries(runs)}
    curves = {entry: [tuple(point) for point in run.result[CURVE]] for entry, run in chosen.items() if run}
    for run in runs:
        run.result.pop(CURVE, None)
    servers = {slot.entry.label: slot.entry.server for slot, _ in measured.runs}
    return ScenarioResults(
        scenario.name, scenario.title, scenario.asks, scenario.connections, servers, runs, curves, measured.failures)


def save(results: Results, path: Path) -> None:
    """One run per line, so that the file can be read and compared."""
    fields = asdict(results)
    scenarios = fields.pop("scenarios")
    lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in fields.items()]
    blocks = []
    for name, scenario in scenarios.items():
        runs = ",\n".join("    " + json.dumps(run) for run in scenario.pop("runs"))
        others = "".join(f'   {json.dumps(key)}: {json.dumps(value)},\n' for key, value in scenario.items())
        blocks.append(f'  {json.dumps(name)}: {{\n{others}   "runs": [\n{runs}]}}')
    lines.append(' "scenarios": {\n' + ",\n".join(blocks) + "}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + ",\n".join(lines) + "}\n")


def load(path: Path) -> Results:
    fields = json.loads(path.read_text())
    scenarios = fields.pop("scenarios")
    for name, scenario in scenarios.items():
        scenario["runs"] = [Run(**run) for run in scenario["runs"]]
        scenarios[name] = ScenarioResults(**scenario)
    return Results(**fields, scenarios=scenarios)
