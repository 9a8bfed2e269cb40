# SPDX-License-Identifier: Apache-2.0
"""How much of the machine other work takes meanwhile: where all CPUs are measured, it cannot be kept away from them."""

import os
import resource
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

Value = TypeVar("Value")

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# The columns of proc_stat(5) in which a CPU does nothing for any of the machine's programs.
IDLE_COLUMNS = frozenset({3, 4})
# Time of a guest is part of the user's.
COLUMNS = 8

# Of all CPU time; a round with more is disturbed.
MOST_FOREIGN = 0.05


# The load answers before the server goes on: it needs little, and what it takes late would count as the server's.
SERVER_PRIORITY, LOAD_PRIORITY = 1, 2


def prefer() -> bool:
    """Lets this process and those that it starts run before other work (SCHED_RR), where that is allowed."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(LOAD_PRIORITY))
    except PermissionError:
        return False
    return True


def server_prefix() -> tuple[str, ...]:
    """The words before a server's command that put it behind the load, if this process is preferred."""
    if os.sched_getscheduler(0) != os.SCHED_RR or not shutil.which("chrt"):
        return ()
    return ("chrt", "--rr", str(SERVER_PRIORITY))


def busy_seconds(text: str) -> float:
    """The CPU time that was not idle, of all CPUs together, from the text of /proc/stat."""
    columns = [int(word) for word in text.splitlines()[0].split()[1 : 1 + COLUMNS]]
    return sum(ticks for place, ticks in enumerate(columns) if place not in IDLE_COLUMNS) / TICKS_PER_SECOND


def own_seconds() -> float:
    """The CPU time of this process and of all that it has started, whether they have ended or not."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(found.ru_utime + found.ru_stime for found in used) + living_seconds(os.getpid())


def living_seconds(parent: int) -> float:
    """The CPU time of the children that were not waited for yet, and of theirs, from /proc (proc_pid_stat(5))."""
    total = 0.0
    for children in Path(f"/proc/{parent}/task").glob("*/children"):
        for child in children.read_text().split():
            try:
                fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            except FileNotFoundError:
                continue
            # utime, stime, and those of the children that it has waited for.
            total += sum(map(int, fields[11:15])) / TICKS_PER_SECOND + living_seconds(int(child))
    return total


@dataclass(frozen=True)
class Moment:
    time: float
    busy: float
    own: float

    @staticmethod
    def now() -> "Moment":
        return Moment(time.monotonic(), busy_seconds(Path("/proc/stat").read_text()), own_seconds())

    def foreign_since(self, earlier: "Moment", cpus: int) -> float:
        """The part of all CPU time that went to other programs, or that the hypervisor gave to other machines."""
        foreign = (self.busy - earlier.busy) - (self.own - earlier.own)
        return max(foreign, 0.0) / ((self.time - earlier.time) * cpus)


@dataclass(frozen=True)
class Round(Generic[Value]):
    """What a round measured, and the part of all CPU time that other work took meanwhile."""

    value: Value
    foreign: float


def observed(measure: Callable[[], Value]) -> Round[Value]:
    before = Moment.now()
    value = measure()
    return Round(value, Moment.now().foreign_since(before, os.cpu_count() or 1))


@dataclass(frozen=True)
class Chosen(Generic[Value]):
    rounds: Sequence[Round[Value]]
    # All that were measured.
    count: int

    @property
    def values(self) -> list[Value]:
        return [found.value for found in self.rounds]

    @property
    def is_quiet(self) -> bool:
        return all(found.foreign <= MOST_FOREIGN for found in self.rounds)

    @property
    def most_foreign(self) -> float:
        return max(found.foreign for found in self.rounds)

    def __str__(self) -> str:
        return f"{len(self.rounds)} of {self.count} rounds, other work up to {self.most_foreign:.0%}"


def quietest(rounds: Sequence[Round[Value]], wanted: int) -> Chosen[Value]:
    """The undisturbed rounds, at most `wanted`; if there are fewer, the least disturbed rounds.

    The choice does not look at what was measured.
    """
    chosen = sorted(rounds, key=lambda found: found.foreign)[:wanted]
    return Chosen([found for found in rounds if found in chosen][:wanted], len(rounds))


def measure_quietly(measure: Callable[[], Value], wanted: int, most: int) -> Chosen[Value]:
    """Measures until as many rounds as wanted were undisturbed, or `most` in all."""
    rounds: list[Round[Value]] = []
    while len(rounds) < most and sum(found.foreign <= MOST_FOREIGN for found in rounds) < wanted:
        rounds.append(observed(measure))
    return quietest(rounds, wanted)
