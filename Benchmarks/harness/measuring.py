# SPDX-License-Identifier: Apache-2.0
"""Executes a plan, run by run."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .plan import Plan, Slot
from .progress import Progress
from .running import Cpus, Result, RunFailed, run
from .servers import FLOOR


@dataclass
class Measured:
    """All runs of one scenario, and the servers that could not take part to the end."""

    runs: list[tuple[Slot, Result]] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


Measurements = dict[str, Measured]


def measure(
    programs: Path, plan: Plan, finished: Callable[[str, Measured], None] = lambda name, measured: None,
) -> Measurements:
    """Calls `finished` after the last run of each scenario."""
    cpus, progress = Cpus.chosen(), Progress(plan.total())
    everything: Measurements = {}
    for position, slot in enumerate(plan.slots):
        measured = everything.setdefault(slot.scenario.name, Measured())
        progress.show(f"{slot.scenario.name}, round {slot.round + 1}, {slot.entry.label}")
        measure_slot(programs, slot, measured, cpus)
        progress.advance(slot.expected())
        following = plan.slots[position + 1 : position + 2]
        if not following or following[0].scenario.name != slot.scenario.name:
            progress.end()
            finished(slot.scenario.name, measured)
    return everything


def measure_slot(programs: Path, slot: Slot, measured: Measured, cpus: Cpus) -> None:
    """A server that fails once is left out of the scenario; without the floor there is nothing to compare with."""
    label = slot.entry.label
    if label in measured.failures:
        return
    try:
        measured.runs.append((slot, run(programs, slot, cpus)))
    except RunFailed as failure:
        if slot.entry.label == FLOOR:
            raise SystemExit(f"{slot.scenario.name}: the floor, {FLOOR}: {failure}") from None
        measured.failures[label] = str(failure)
        print(f"\n{slot.scenario.name}, {label}: {failure}", file=sys.stderr)
