# SPDX-License-Identifier: Apache-2.0
import unittest
from dataclasses import replace

from harness import targets
from harness.limits import Limit
from harness.plan import Slot
from harness.results import Results, ScenarioResults, collect
from harness.measuring import Measured
from harness.scenarios import SCENARIOS, Entry
from harness.servers import FLOOR, OURS

from .test_results import load_result, measured_results


def scenario(name: str, p99: float, rates: dict[str, float]) -> ScenarioResults:
    result = lambda rate: load_result(rate) | {"latency_us": {"p50": 1.0, "p99": p99}}
    runs = [(Slot(SCENARIOS[name], 0, Entry(entry, entry)), result(rate)) for entry, rate in rates.items()]
    return collect(SCENARIOS[name], Measured(runs, {}))


def results(**p99: float) -> Results:
    found = {name: scenario(name, value, {FLOOR: 100.0, OURS: 97.0}) for name, value in p99.items()}
    return replace(measured_results([]), scenarios=found)


class Flood(unittest.TestCase):
    # load_result: 10 ns of the server's cpu for a message, so 33.7 µs for what a turn serves.
    def test_a_neighbour_may_wait_for_one_budget(self) -> None:
        self.assertTrue(targets.of_flood(results(S1=10, S2=1, flood=40)).is_met)
        self.assertFalse(targets.of_flood(results(S1=10, S2=1, flood=50)).is_met)

    def test_what_was_not_measured_is_not_met(self) -> None:
        self.assertIsNone(targets.of_flood(results(S1=10, S2=1)).is_met)


class Peers(unittest.TestCase):
    def test_beside_our_ratio_to_a_peer_stands_the_floors(self) -> None:
        limit = Limit("S4", OURS, "nio", "rate", at_least=2.4)
        found = replace(results(), scenarios={"S4": scenario("S4", 1, {FLOOR: 100.0, OURS: 99.0, "nio": 50.0})})
        self.assertEqual(targets.of_limit(limit, found).measured, f"1.98 ({FLOOR}: 2.00)")
        own = Limit("S4", OURS, FLOOR, "rate", at_least=0.95)
        self.assertEqual(targets.of_limit(own, found).measured, "0.99")
