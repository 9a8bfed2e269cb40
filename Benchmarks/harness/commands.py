# SPDX-License-Identifier: Apache-2.0
"""The commands of `Benchmarks/bench`: each function returns the process's status."""

import argparse
import datetime
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import callgrind, checking, machine, pictures, report, results, strace, tables, targets
from .limits import Thresholds
from .measuring import Measured, Measurements, measure
from .plan import Plan, fixed_plan, make_plan
from .progress import duration
from .scenarios import CORE, LOAD, OUR_LOAD, SCENARIOS, Scenario
from .servers import FLOOR, OURS, PIPECTL, POOL, SERVERS, THREADED, build

PACKAGE = Path(__file__).resolve().parent.parent
RESULTS = PACKAGE / "results"
TOOLS = (LOAD, OUR_LOAD)
FULL_SECONDS, QUICK_SECONDS = 14.5 * 60, 100.0
QUICK_SERVERS = frozenset(
    {FLOOR, "c-epoll-poll", OURS, "pipes-poll", "pipes-async", "pipes-batches", "nio", "nio-tuned"})
QUICK_FEW = 1


def available(names: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """The servers that can run here, and why the others cannot."""
    reasons = {name: SERVERS[name].unavailable() for name in names}
    for name, why in reasons.items():
        if why:
            print(f"Without {name}: {why}", file=sys.stderr)
    return [name for name, why in reasons.items() if not why], {name: why for name, why in reasons.items() if why}


def built(names: Sequence[str], programs: Path | None) -> Path:
    return programs or build([SERVERS[name] for name in names], TOOLS)


def gathered(
    plan: Plan, measurements: Measurements, before: Sequence[float], unavailable: dict[str, str],
) -> results.Results:
    scenarios = {slot.scenario.name: slot.scenario for slot in plan.slots}
    return results.Results(
        date=datetime.datetime.now().astimezone().isoformat(timespec="minutes"), machine=machine.describe(),
        load_average={"before": list(before), "after": list(os.getloadavg())}, floor=FLOOR, ours=OURS,
        titles={name: server.title for name, server in SERVERS.items()},
        unavailable=unavailable,
        scenarios={name: results.collect(scenarios[name], measured) for name, measured in measurements.items()})


def write_report(directory: Path) -> str:
    """Pictures and page from the stored results; returns the page's tables for the terminal."""
    path = directory / "latest.json"
    found, thresholds = results.load(path), Thresholds.load()
    page = report.page(found, thresholds, pictures.draw(path, directory), directory)
    (directory / "REPORT.md").write_text(page)
    return "\n\n".join((
        tables.ratio_table(found, "rate"), tables.close_table(found, found.scenarios, [OURS, "pipes-poll"]),
        targets.table(found, thresholds), report.machine(found)))


def run_all(arguments: argparse.Namespace) -> int:
    chosen = (name for name in SERVERS if name != PIPECTL and (not arguments.quick or name in QUICK_SERVERS))
    names, unavailable = available(chosen)
    programs = built(names, arguments.programs)
    scenarios = chosen_scenarios(arguments.only) if arguments.only else list(SCENARIOS.values())
    if arguments.quick:
        plan = make_plan(scenarios, names, arguments.budget or QUICK_SECONDS, QUICK_FEW, QUICK_FEW)
    else:
        plan = make_plan(scenarios, names, arguments.budget or FULL_SECONDS)
    before = os.getloadavg()
    print(f"{len(plan.slots)} runs, about {duration(plan.total())}", file=sys.stderr)
    measurements = measure(programs, plan)
    results.save(gathered(plan, measurements, before, unavailable), arguments.output / "latest.json")
    print(write_report(arguments.output))
    print(f"\nThe page: {os.path.relpath(arguments.output)}/REPORT.md")
    failed = {label for measured in measurements.values() for label in measured.failures}
    return 1 if any(label.startswith(OURS) for label in failed) else 0


def compare_some(arguments: argparse.Namespace) -> int:
    """Prints each scenario as soon as it is measured, and keeps nothing."""
    names, _ = available(dict.fromkeys([FLOOR, *arguments.servers]))
    scenarios = chosen_scenarios(arguments.only or [scenario.name for scenario in CORE])
    programs = built(names, arguments.programs)
    print(tables.markdown(tables.CLOSE_HEADER, []), flush=True)

    def show(name: str, measured: Measured) -> None:
        for row in tables.close_rows(results.collect(SCENARIOS[name], measured), FLOOR):
            print("| " + " | ".join(row) + " |", flush=True)

    before = os.getloadavg()
    measure(programs, fixed_plan(scenarios, names, arguments.rounds, arguments.seconds), show)
    print(f"\nRatios to {FLOOR} in the same round: median (its 95 % interval). Load average {before[0]:.1f} before, "
          f"{os.getloadavg()[0]:.1f} after; the comparison itself is up to 2 of it.")
    return 0


def write_counts(directory: Path | None, name: str, table: str) -> None:
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(table + "\n")


def failures(lines: Iterable[str]) -> int:
    found = list(lines)
    for line in found:
        print(f"FAILED: {line}")
    return 1 if found else 0


def count_instructions(arguments: argparse.Namespace) -> int:
    usual = callgrind.LONG_SERVERS if arguments.long else callgrind.SHORT_SERVERS
    names, _ = available(dict.fromkeys([OURS, *arguments.servers]) if arguments.servers else usual)
    thresholds, programs = Thresholds.load(), built(names, arguments.programs)
    limits, tolerance = thresholds.instructions, thresholds.instructions_tolerance

    def count() -> list[str]:
        counts = callgrind.count(programs, names)
        table = callgrind.table(counts, limits, thresholds.instruction_aims)
        print(table)
        write_counts(arguments.output, "instructions.md", table)
        return [*callgrind.beyond(counts, limits, tolerance), *callgrind.dearer(counts, POOL, THREADED, tolerance)]

    found = count()
    if not arguments.check:
        return 0
    if found:
        # How many events a wait brings is the machine's doing, and may spoil one count; a fault recurs.
        print("\n".join((*found, "Counted once more:")))
        found = count()
    return failures(found)


def count_calls(arguments: argparse.Namespace) -> int:
    names, _ = available(dict.fromkeys([*strace.SERVERS, *(arguments.servers or ())]))
    limits = Thresholds.load().system_calls
    counts = strace.count(built(names, arguments.programs), names)
    table = strace.table(counts)
    print(table)
    write_counts(arguments.output, "syscalls.md", table)
    if not arguments.check:
        return 0
    return failures(strace.beyond(counts, limits["at_most_the_floors"], limits["tolerance"]))


def chosen_scenarios(names: Iterable[str]) -> list[Scenario]:
    return [SCENARIOS[name] for name in names]


def draw_again(arguments: argparse.Namespace) -> int:
    print(write_report(arguments.output))
    return 0


def check_ratios(arguments: argparse.Namespace) -> int:
    return checking.check(checking.LONG if arguments.long else checking.SHORT, arguments.programs)
