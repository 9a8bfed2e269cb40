# SPDX-License-Identifier: Apache-2.0
import unittest

from harness.checking import joined, needed
from harness.limits import Limit, Thresholds, violations
from harness.scenarios import SCENARIOS
from harness.servers import FLOOR, OURS
from harness.summary import METRICS, Spread

from .test_summary import run

RATE = Limit("S2", "ours", "c", "rate", at_least=0.95)
CPU = Limit("S2", "ours", "c", "cpu", at_most=1.25)


class Limits(unittest.TestCase):
    def test_the_tolerance_loosens_both_kinds(self) -> None:
        self.assertAlmostEqual(RATE.bound(0.2), 0.76)
        self.assertAlmostEqual(CPU.bound(0.2), 1.5)
        self.assertTrue(RATE.holds(0.80, 0.2))
        self.assertFalse(RATE.holds(0.80))
        self.assertTrue(CPU.holds(1.4, 0.2))
        self.assertFalse(CPU.holds(1.4))

    def test_the_median_decides_not_one_bad_round(self) -> None:
        rates = (100, 20, 99)
        runs = [run(n, "c", 100) for n in range(3)] + [run(n, "ours", rate) for n, rate in enumerate(rates)]
        self.assertEqual(violations([RATE], {"S2": runs}, 0), [])

    def test_a_violation_says_what_fell(self) -> None:
        found = violations([RATE], {"S2": [run(0, "c", 100), run(0, "ours", 50)]}, 0.1)
        self.assertEqual(len(found), 1)
        self.assertEqual(str(found[0]), "S2: rate of ours to c is 0.50 (0.50–0.50), and must be ≥ 0.85")

    def test_what_was_not_measured_violates(self) -> None:
        self.assertIn("not measured", str(violations([RATE], {}, 0)[0]))

    def test_a_second_look_adds_to_the_first(self) -> None:
        first, second = [run(0, "c", 1), run(1, "c", 1)], [run(0, "c", 2)]
        self.assertEqual([found.round for found in joined(first, second)], [0, 1, 2])


    def test_a_ratio_may_hold_when_its_interval_reaches_the_bound(self) -> None:
        self.assertTrue(RATE.may_hold(Spread(0.93, 0.90, 0.96, 9)))
        self.assertFalse(RATE.may_hold(Spread(0.90, 0.85, 0.94, 9)))
        self.assertTrue(RATE.may_hold(Spread(0.90, 0.85, 0.94, 5)))
        self.assertTrue(CPU.may_hold(Spread(1.30, 1.20, 1.40, 9)))
        self.assertFalse(CPU.may_hold(Spread(1.30, 1.26, 1.40, 9)))


class Committed(unittest.TestCase):
    """The contents of thresholds.json."""

    def test_limits_are_of_scenarios_and_metrics_that_exist(self) -> None:
        thresholds = Thresholds.load()
        for limit in (*thresholds.checked, *thresholds.reported):
            self.assertIn(limit.scenario, SCENARIOS)
            self.assertIn(limit.metric, METRICS)
            self.assertNotEqual(limit.at_least is None, limit.at_most is None, limit)

    def test_checking_needs_the_floor_and_ours(self) -> None:
        scenarios, servers = needed(Thresholds.load().checked)
        self.assertTrue({FLOOR, OURS} <= set(servers))
        self.assertIn("S1", [scenario.name for scenario in scenarios])
