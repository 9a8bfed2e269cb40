# SPDX-License-Identifier: Apache-2.0
import io
import unittest

from harness.plan import LEAST_SECONDS, MOST_SECONDS, fixed_plan, make_plan, seconds_for, slots_of, some_of
from harness.progress import Progress, duration
from harness.scenarios import SCENARIOS, Scenario
from harness.servers import FLOOR, OURS

SCENARIO = Scenario("X", "x", "?", ("--size", "64"))
SERVERS = [FLOOR, OURS, "slow"]


class Plans(unittest.TestCase):
    def test_a_few_rounds_are_spread_over_all(self) -> None:
        self.assertEqual(some_of(9, 3), {0, 4, 8})
        self.assertEqual(some_of(9, 1), {4})
        self.assertEqual(some_of(2, 3), {0, 1})

    def test_every_round_has_the_floor_and_ours_and_some_have_the_others(self) -> None:
        slots = slots_of(SCENARIO, SERVERS, rounds=9, few=3)
        by_round = [[slot.entry.label for slot in slots if slot.round == number] for number in range(9)]
        self.assertTrue(all({FLOOR, OURS} <= set(labels) for labels in by_round))
        self.assertEqual([number for number, labels in enumerate(by_round) if "slow" in labels], [0, 4, 8])

    def test_rounds_begin_in_turn(self) -> None:
        slots = slots_of(SCENARIO, [FLOOR, OURS], rounds=4, few=4)
        self.assertEqual([slot.entry.label for slot in slots[::2]], [FLOOR, OURS, FLOOR, OURS])

    def test_the_runs_take_the_budget(self) -> None:
        plan = make_plan([SCENARIO], SERVERS, budget=30)
        self.assertAlmostEqual(plan.total(), 30)

    def test_no_run_is_too_short_to_mean_anything_or_longer_than_useful(self) -> None:
        slots = slots_of(SCENARIO, SERVERS, rounds=9, few=3)
        self.assertEqual(seconds_for(slots, 1), LEAST_SECONDS)
        self.assertEqual(seconds_for(slots, 1e6), MOST_SECONDS)

    def test_part_of_the_rounds_is_one_at_least(self) -> None:
        count = len({slot.round for slot in make_plan([SCENARIO], SERVERS, 30, part=1 / 3).slots})
        self.assertEqual(count, 3)
        self.assertEqual(len(make_plan([SCENARIO], [FLOOR], 30, part=0.01).slots), 1)

    def test_a_fixed_plan_treats_all_alike(self) -> None:
        plan = fixed_plan([SCENARIO], SERVERS, rounds=2, seconds=0.5)
        self.assertEqual(len(plan.slots), 6)
        self.assertEqual(plan.seconds, 0.5)

    def test_who_takes_part(self) -> None:
        polled = SCENARIOS["S1p"].taking_part([FLOOR, OURS, "pipes-poll"])
        self.assertEqual([entry.label for entry in polled], [FLOOR, "pipes-poll"])
        plain = SCENARIOS["S1"].taking_part(["pipes-poll", OURS, FLOOR])
        self.assertEqual([entry.label for entry in plain], [FLOOR, OURS])


class TimeLeft(unittest.TestCase):
    def test_durations(self) -> None:
        self.assertEqual([duration(0), duration(59.6), duration(61)], ["0:00", "1:00", "1:01"])

    def test_before_anything_is_known_the_plan_is_believed(self) -> None:
        progress = Progress(100, io.StringIO())
        self.assertEqual(progress.remaining(), 100)

    def test_then_the_pace_counts(self) -> None:
        progress = Progress(100, io.StringIO())
        progress.began -= 80
        progress.advance(40)
        self.assertAlmostEqual(progress.remaining(), 120, delta=1)
