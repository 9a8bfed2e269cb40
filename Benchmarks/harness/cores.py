# SPDX-License-Identifier: Apache-2.0
"""`bench cores`: what a pool of reactors gains, and what it costs.

Server and load share the CPUs, so other work of the machine takes from both, and more from what can use all of them.
Each round therefore notes how much that was, and rounds that were disturbed are measured again.
"""

import argparse
import os
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from .callers import Caller, Workers, raise_descriptor_limit
from .figures import Figure, Results, figure, show_progress, table
from .limits import FigureLimit, Thresholds
from .quiet import Chosen, measure_quietly, prefer, server_prefix
from .running import Command, Result, run_load, running
from .scenarios import LOAD
from .servers import OURS, SERVERS, build
from .summary import cpu, rate

ROUNDS, QUICK_ROUNDS = 15, 6
# Of all rounds, to those that are wanted.
MOST_ROUNDS = 3

WORK_MICROSECONDS = 100
WORKING = ("--connections", "64", "--seconds", "0.8", "--warm-up", "0.2")
CHURNING = ("--churn", "--seconds", "0.5", "--warm-up", "0.1")
# At how many connections at a time.
CHURNS = (8, 64)

HOLD_MILLISECONDS = 1000
# Within that, so that the worker is held to the end.
HELD_SECONDS = 0.9

CROWD, CROWD_REACTORS = 8000, 4


def pooled(programs: Path, reactors: int, *options: object) -> Command:
    return Command(programs, OURS, ("--reactors", str(reactors), *map(str, options)), inside=server_prefix())


def loaded(programs: Path, command: Command, load: Sequence[str]) -> Result:
    with running(command, cpu=None) as server:
        return run_load(programs, server, load, cpu=None, timeout=60, program=LOAD)


def one_two_one(run: Callable[[int], Result]) -> tuple[Result, Result, Result]:
    """With one reactor, with two, and with one again, so that a machine that becomes slower favours neither."""
    return run(1), run(2), run(1)


def gain(one: float, two: float, again: float) -> float:
    return two / sqrt(one * again)


def surplus(one: float, two: float, again: float) -> float:
    return two - (one + again) / 2


def working(programs: Path) -> float:
    """The rate with two reactors, to that with one."""
    found = one_two_one(lambda count: loaded(programs, pooled(programs, count, "--work", WORK_MICROSECONDS), WORKING))
    return gain(*map(rate, found))


def dealing(programs: Path, connections: int) -> float:
    """The CPU time of a connection that is dealt to one of two workers, less that of one that is not, in µs."""
    load = (*CHURNING, "--connections", str(connections))
    found = one_two_one(lambda count: loaded(programs, pooled(programs, count), load))
    return surplus(*map(cpu, found)) / 1e3


@dataclass(frozen=True)
class Held:
    """The round trips of a client of one worker while the other is held, to those before."""

    rate: float
    p99: float


def p99(latencies: Sequence[float]) -> float:
    return sorted(latencies)[len(latencies) * 99 // 100]


def neighbours(path: str, workers: Workers) -> tuple[Caller, Caller]:
    """Two clients of different workers."""
    first, second = Caller(path), Caller(path)
    for caller in (first, second):
        caller.ask()
    workers.await_total(2)
    if workers.live() != [1, 1]:
        raise RuntimeError("two clients of one worker, while the other has none")
    return first, second


def holding(programs: Path, milliseconds: int = HOLD_MILLISECONDS, seconds: float = HELD_SECONDS) -> Held:
    with running(pooled(programs, 2, "--hold", milliseconds), cpu=None) as server:
        held, other = neighbours(server.path, Workers(server.pid, 2))
        other.latencies(seconds / 4)
        before = other.latencies(seconds)
        held.send(b"hold")
        during = other.latencies(seconds)
        if held.receive() != b"hold":
            raise ValueError("a wrong reply")
        for caller in (held, other):
            caller.close()
    return Held(len(during) / len(before), p99(during) / p99(before))


def crowd(programs: Path, count: int = CROWD, reactors: int = CROWD_REACTORS, seed: int = 1) -> list[int]:
    """The connections of each worker, after half of them have left at random and as many have come."""
    raise_descriptor_limit()
    with running(pooled(programs, reactors), cpu=None) as server:
        workers = Workers(server.pid, reactors)

        def connect(number: int) -> list[Caller]:
            callers = [Caller(server.path) for _ in range(number)]
            for caller in callers:
                caller.ask()
            return callers

        callers = connect(count)
        random.Random(seed).shuffle(callers)
        leaving = callers[: count // 2]
        for caller in leaving:
            caller.close()
        workers.await_total(count - len(leaving))
        callers += connect(len(leaving))
        workers.await_total(count)
        live = workers.live()
        for caller in callers:
            caller.close()
    return live


def measure(programs: Path, rounds: int, show: Callable[[str], None] = lambda text: None) -> list[Figure]:
    def quietly(what: str, one: Callable[[], float]) -> Chosen[float]:
        show(what)
        return measure_quietly(one, rounds, MOST_ROUNDS * rounds)

    figures = [figure(
        "work", f"rate of 2 reactors to that of one, a delegate that takes {WORK_MICROSECONDS} µs of CPU a message",
        quietly("work", lambda: working(programs)))]
    for count in CHURNS:
        figures.append(figure(
            f"dealing {count}", f"dealing a connection, µs of CPU over an inline accept, {count} at a time",
            quietly(f"dealing {count}", lambda: dealing(programs, count))))
    show("held")
    found = measure_quietly(lambda: holding(programs), rounds, MOST_ROUNDS * rounds)
    for name, title, values in (
        ("held rate", "rate", [held.rate for held in found.values]),
        ("held p99", "p99", [held.p99 for held in found.values])):
        figures.append(Figure(
            name, f"{title} of another worker's client while one is held for a second, to that before", values,
            str(found), found.is_quiet))
    show("crowd")
    live = crowd(programs)
    figures.append(Figure(
        "crowd", f"most and fewest connections of {CROWD_REACTORS} workers, the difference, after half of {CROWD:,} have "
        "left at random and as many have come", [float(max(live) - min(live))],
        "a count: " + ", ".join(f"{number:,}" for number in live)))
    return figures


def text(found: Results, limits: dict[str, FigureLimit]) -> str:
    return "\n\n".join((
        "A pool of two reactors beside a pool of one, the same program, the load and the server on the same CPUs. Each round "
        "measures one, two, and one again; the median of the rounds, and the interval that holds the true one in 19 of 20 "
        "cases. They run before other work of the machine where that is allowed (SCHED_RR), but not alone: rounds in which other "
        "work took more than 5 % of all CPU time are measured again, and if there are too few others, the least disturbed ones "
        "count, and a miss is not certain. A pool of one against a plain server stands under [Counts](#counts).",
        table(found, limits),
        found.where()))


def run(arguments: argparse.Namespace) -> int:
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("two cpus are needed")
    programs, before = arguments.programs or build([SERVERS[OURS]], [LOAD]), os.getloadavg()
    rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS)
    if not prefer():
        print("other work of the machine comes first at times: SCHED_RR is not allowed", file=sys.stderr)
    figures = measure(programs, rounds, show_progress)
    found = Results.now(figures, before)
    page = text(found, Thresholds.load().cores)
    found.publish(arguments.output, "cores", page)
    return 0
