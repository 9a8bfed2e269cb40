# SPDX-License-Identifier: Apache-2.0
"""Which server runs in which round of which scenario, and for how long.

What else a machine does comes and goes within seconds. So what is compared closely runs for a tenth of a second, right
between two runs of the floor, in many rounds; what is to tell multiples runs longer, behind that, in a few of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .scenarios import Entry, Length, Scenario
from .servers import FLOOR, OURS

# Between the floor's two runs, in every round.
CLOSELY = frozenset({FLOOR, OURS, "c-epoll-poll", "pipes-poll"})
# After them, in some of the rounds: the servers that targets name, and all others.
RIVALS = frozenset({"nio", "nio-async", "pipes-async", "pipes-batches"})
RIVALS_ROUNDS, FEW_ROUNDS = 6, 3

# The time of a run beside the measurement and the warm-up: the start, and each connection.
START_SECONDS, CONNECTION_SECONDS = 0.06, 7e-5


CLOSE = Length(0.1, 0.05)
# Peers have compilers, collectors and thread pools, which take time to warm up.
LONG = Length(0.25, 0.15)


@dataclass(frozen=True)
class Slot:
    """One planned run."""

    scenario: Scenario
    round: int
    entry: Entry
    length: Length

    def expected(self) -> float:
        """Its total duration, in seconds."""
        own = self.length.seconds + self.length.warm_up
        return own + START_SECONDS + self.scenario.connections * CONNECTION_SECONDS


@dataclass(frozen=True)
class Plan:
    slots: list[Slot]

    def total(self) -> float:
        return sum(slot.expected() for slot in self.slots)


def some_of(rounds: int, few: int) -> set[int]:
    """Some of the rounds, spread evenly, including the first and the last."""
    if few >= rounds:
        return set(range(rounds))
    if few == 1:
        return {rounds // 2}
    return {round(i * (rounds - 1) / (few - 1)) for i in range(few)}


def bracketed(scenario: Scenario, number: int, entries: Sequence[Entry], length: Length) -> list[Slot]:
    """The floor, the others in an order that changes from round to round, and the floor again."""
    floor = [entry for entry in entries if entry.label == FLOOR]
    others = [entry for entry in entries if entry.label != FLOOR]
    first = number % max(len(others), 1)
    own = length.with_connections(scenario.connections)
    order = [*floor, *others[first:], *others[:first], *floor]
    return [Slot(scenario, number, entry, own) for entry in order]


def slots_of(scenario: Scenario, servers: Iterable[str], rounds: int, rivals: int, few: int) -> list[Slot]:
    entries = scenario.taking_part(servers)
    close = [entry for entry in entries if entry.server in CLOSELY]
    length = scenario.length or CLOSE
    rounds_of_rivals, rounds_of_others = some_of(rounds, rivals), some_of(rounds, few)
    slots = []
    for number in range(rounds):
        slots += bracketed(scenario, number, close, length)
        slots += [
            Slot(scenario, number, entry, LONG.with_connections(scenario.connections))
            for entry in entries if entry not in close
            and number in (rounds_of_rivals if entry.server in RIVALS else rounds_of_others)]
    return slots


def make_plan(
    scenarios: Iterable[Scenario], servers: Sequence[str], budget: float, rivals: int = RIVALS_ROUNDS,
    few: int = FEW_ROUNDS,
) -> Plan:
    """As many rounds as the budget allows, in seconds: each scenario has its share of them, and one at least."""
    known = list(scenarios)

    def planned(part: float) -> Plan:
        slots = []
        for scenario in known:
            slots += slots_of(scenario, servers, max(round(scenario.rounds * part), 1), rivals, few)
        return Plan(slots)

    parts = [step / 20 for step in range(1, 101)]
    return next((plan for plan in map(planned, reversed(parts)) if plan.total() <= budget), planned(parts[0]))


def fixed_plan(scenarios: Iterable[Scenario], servers: Sequence[str], rounds: int, seconds: float) -> Plan:
    """The same number of rounds for every server, all between the floor's runs."""
    length = Length(seconds, CLOSE.warm_up)
    return Plan([
        slot for scenario in scenarios for number in range(rounds)
        for slot in bracketed(scenario, number, scenario.taking_part(servers), length)])
