# SPDX-License-Identifier: Apache-2.0
import unittest
from dataclasses import replace

from harness import targets
from harness.limits import Limit
from harness.plan import Slot
from harness.results import Results, ScenarioResults, collect
from harness.measuring import Measured
from harness.scenarios import LATENCY, SCENARIOS, Entry
from harness.servers import FLOOR, OURS
from harness.targets import Verdict

from .test_results import load_result, measured_results


def scenario(name: str, p99: float, rates: dict[str, float]) -> ScenarioResults:
    result = lambda rate: load_result(rate) | {"latency_us": {"p50": 1.0, "p99": p99}}
    runs = [(Slot(SCENARIOS[name], 0, Entry(entry, entry), LATENCY), result(rate)) for entry, rate in rates.items()]
    return collect(SCENARIOS[name], Measured(runs, {}))


def results(**p99: float) -> Results:
    found = {name: scenario(name, value, {FLOOR: 100.0, OURS: 97.0}) for name, value in p99.items()}
    return replace(measured_results([]), scenarios=found)


def flooded(flood: float, alone: float) -> Results:
    runs = [(Slot(SCENARIOS["flood"], 0, Entry(entry, entry), LATENCY), load_result(100.0) | {
        "latency_us": {"p50": 1.0, "p99": p99}}) for entry, p99 in ((FLOOR, 1), (OURS, flood), (f"{OURS}, alone", alone))]
    found = results(S2=1)
    return replace(found, scenarios=found.scenarios | {"flood": collect(SCENARIOS["flood"], Measured(runs, {}))})


class Flood(unittest.TestCase):
    # load_result: 10 ns of the server's cpu for a message, so 33.7 µs for what a turn serves.
    def test_a_neighbour_may_wait_for_one_budget(self) -> None:
        self.assertIs(targets.of_flood(flooded(40, alone=10)).verdict, Verdict.MET)
        self.assertIs(targets.of_flood(flooded(50, alone=10)).verdict, Verdict.MISSED)

    def test_what_was_not_measured_is_not_met(self) -> None:
        self.assertIs(targets.of_flood(results(S2=1)).verdict, Verdict.UNMEASURED)


class Peers(unittest.TestCase):
    def test_beside_our_ratio_to_a_peer_stands_the_floors(self) -> None:
        limit = Limit("S4", OURS, "nio", "rate", at_least=2.4)
        found = replace(results(), scenarios={"S4": scenario("S4", 1, {FLOOR: 100.0, OURS: 99.0, "nio": 50.0})})
        self.assertEqual(targets.of_limit(limit, found).measured, f"1.98 (1.98–1.98); {FLOOR}: 2.00")
        alone = Limit("S4", OURS, f"{OURS}, alone", "rate", at_least=0.95)
        runs = [(Slot(SCENARIOS["S4"], 0, Entry(entry, server), LATENCY), load_result(100.0))
                for entry, server in ((FLOOR, FLOOR), (OURS, OURS), (f"{OURS}, alone", OURS))]
        ours = replace(results(), scenarios={"S4": collect(SCENARIOS["S4"], Measured(runs, {}))})
        self.assertEqual(targets.of_limit(alone, ours).measured, "1.00 (1.00–1.00)")
        own = Limit("S4", OURS, FLOOR, "rate", at_least=0.95)
        self.assertEqual(targets.of_limit(own, found).measured, "0.99 (0.99–0.99)")


class Verdicts(unittest.TestCase):
    def verdict(self, *rates: float) -> Verdict:
        slots = ((Slot(SCENARIOS["S4"], number, Entry(entry, entry), LATENCY), value)
                 for number, rate in enumerate(rates) for entry, value in ((FLOOR, 100.0), (OURS, rate)))
        measured = Measured([(slot, load_result(value)) for slot, value in slots], {})
        found = replace(results(), scenarios={"S4": collect(SCENARIOS["S4"], measured)})
        return targets.of_limit(Limit("S4", OURS, FLOOR, "rate", at_least=0.95), found).verdict

    def test_the_median_tells_what_is_met(self) -> None:
        self.assertIs(self.verdict(80, 96, 97), Verdict.MET)

    def test_few_rounds_miss_nothing_for_certain(self) -> None:
        self.assertIs(self.verdict(80, 85, 90, 90, 90), Verdict.OPEN)

    def test_a_miss_is_certain_when_the_interval_misses_too(self) -> None:
        self.assertIs(self.verdict(80, 85, 90, 90, 90, 97), Verdict.OPEN)
        self.assertIs(self.verdict(80, 85, 90, 90, 90, 94), Verdict.MISSED)
