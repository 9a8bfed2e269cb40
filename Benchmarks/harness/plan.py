# SPDX-License-Identifier: Apache-2.0
"""Which server runs in which round of which scenario, and for how long."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .scenarios import Entry, Scenario
from .servers import FLOOR, OURS

# Compared closely, that is in every round; others in a few, which is enough to tell multiples.
CLOSELY = frozenset({FLOOR, OURS, "c-epoll-poll", "pipes-poll", "nio"})
FEW_ROUNDS = 3

LEAST_SECONDS, MOST_SECONDS = 0.25, 2.0
# What a run takes beside the measured time: the start, the warm-up, and each connection.
START_SECONDS, CONNECTION_SECONDS = 0.3, 5e-5


@dataclass(frozen=True)
class Slot:
    """One run to be made."""

    scenario: Scenario
    round: int
    entry: Entry


@dataclass(frozen=True)
class Plan:
    slots: list[Slot]
    seconds: float

    def expected(self, slot: Slot) -> float:
        return self.seconds + overhead(slot.scenario)

    def total(self) -> float:
        return sum(map(self.expected, self.slots))


def overhead(scenario: Scenario) -> float:
    return START_SECONDS + scenario.connections * CONNECTION_SECONDS


def some_of(rounds: int, few: int) -> set[int]:
    """A few of the rounds, spread over all of them, the first and the last included."""
    if few >= rounds:
        return set(range(rounds))
    if few == 1:
        return {rounds // 2}
    return {round(i * (rounds - 1) / (few - 1)) for i in range(few)}


def slots_of(scenario: Scenario, servers: Iterable[str], rounds: int, few: int) -> list[Slot]:
    """Each round runs every server once, beginning with another one each time: no place in the order is favoured."""
    slots = []
    for number in range(rounds):
        entries = [
            entry for entry in scenario.taking_part(servers)
            if entry.server in CLOSELY or number in some_of(rounds, few)]
        first = number % max(len(entries), 1)
        slots += [Slot(scenario, number, entry) for entry in entries[first:] + entries[:first]]
    return slots


def seconds_for(slots: Sequence[Slot], budget: float) -> float:
    """How long to measure in each run, so that all together take the budget."""
    left = budget - sum(overhead(slot.scenario) for slot in slots)
    return min(max(left / max(len(slots), 1), LEAST_SECONDS), MOST_SECONDS)


def make_plan(
    scenarios: Iterable[Scenario], servers: Sequence[str], budget: float, part: float = 1, few: int = FEW_ROUNDS,
) -> Plan:
    """`part` of each scenario's rounds, but one in any case."""
    slots = []
    for scenario in scenarios:
        slots += slots_of(scenario, servers, max(int(scenario.rounds * part), 1), few)
    return Plan(slots, seconds_for(slots, budget))


def fixed_plan(scenarios: Iterable[Scenario], servers: Sequence[str], rounds: int, seconds: float) -> Plan:
    """The same number of rounds for everybody."""
    return Plan([slot for scenario in scenarios for slot in slots_of(scenario, servers, rounds, rounds)], seconds)
