# SPDX-License-Identifier: Apache-2.0
import io
import unittest

from harness.plan import fixed_plan, make_plan, slots_of, some_of
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

    def test_every_round_has_ours_between_two_runs_of_the_floor_and_some_have_the_others(self) -> None:
        slots = slots_of(SCENARIO, [*SERVERS, "nio"], rounds=9, rivals=5, few=3)
        by_round = [[slot.entry.label for slot in slots if slot.round == number] for number in range(9)]
        self.assertTrue(all(labels[:3] == [FLOOR, OURS, FLOOR] for labels in by_round))
        self.assertEqual([number for number, labels in enumerate(by_round) if "slow" in labels], [0, 4, 8])
        self.assertEqual([number for number, labels in enumerate(by_round) if "nio" in labels], [0, 2, 4, 6, 8])

    def test_those_between_take_turns(self) -> None:
        slots = slots_of(SCENARIOS["S1p"], [FLOOR, "c-epoll-poll", "pipes-poll"], rounds=2, rivals=1, few=1)
        second = [slot.entry.label for slot in slots if slot.round == 1]
        self.assertEqual([slot.entry.label for slot in slots[:4]], [FLOOR, "c-epoll-poll", "pipes-poll", FLOOR])
        self.assertEqual(second, [FLOOR, "pipes-poll", "c-epoll-poll", FLOOR])

    def test_the_rounds_take_the_budget(self) -> None:
        total = make_plan([SCENARIO], SERVERS, budget=15).total()
        self.assertLessEqual(total, 15)
        self.assertGreater(total, 13)

    def test_there_is_one_round_at_least(self) -> None:
        self.assertEqual(len(make_plan([SCENARIO], [FLOOR], budget=0.001, few=1).slots), 2)

    def test_a_run_is_longer_for_more_connections(self) -> None:
        crowd, few = (slots_of(SCENARIOS[name], [FLOOR], 1, 1, 1)[0].length.seconds for name in ("S5", "S4"))
        self.assertGreater(crowd, few + 0.1)

    def test_a_fixed_plan_treats_all_alike(self) -> None:
        plan = fixed_plan([SCENARIO], SERVERS, rounds=2, seconds=0.5)
        self.assertEqual([slot.entry.label for slot in plan.slots[:4]], [FLOOR, OURS, "slow", FLOOR])
        self.assertEqual(len({slot.length for slot in plan.slots}), 1)

    def test_who_takes_part(self) -> None:
        polled = SCENARIOS["S1p"].taking_part([FLOOR, OURS, "pipes-poll"])
        self.assertEqual([entry.label for entry in polled], [FLOOR, "pipes-poll"])
        plain = SCENARIOS["S1"].taking_part(["pipes-poll", OURS, FLOOR])
        self.assertEqual([entry.label for entry in plain], [FLOOR, OURS])
        crowd = SCENARIOS["S10"].taking_part([FLOOR, OURS])
        self.assertEqual([entry.label for entry in crowd], [FLOOR, OURS, f"{OURS}, alone"])


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
