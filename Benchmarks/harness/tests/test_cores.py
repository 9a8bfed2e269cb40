# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys
import unittest
from pathlib import Path

from harness import cores, figures, quiet
from harness.callers import Caller, Workers
from harness.limits import FigureLimit, Thresholds
from harness.running import running
from harness.targets import Verdict

PROGRAMS = os.environ.get("BENCH_PROGRAMS")

# user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice; then a line for each CPU
STAT = "cpu  100 20 30 9000 400 5 6 39 50 0\ncpu0 50 10 15 4500 200 2 3 20 25 0\n"


def rounds(*foreign: float) -> list[quiet.Round[int]]:
    return [quiet.Round(number, part) for number, part in enumerate(foreign)]


class Quiet(unittest.TestCase):
    def test_all_time_counts_that_was_not_idle_and_that_of_other_machines(self) -> None:
        self.assertAlmostEqual(quiet.busy_seconds(STAT) * quiet.TICKS_PER_SECOND, 200)

    def test_what_a_process_takes_that_still_runs_is_not_foreign(self) -> None:
        program = "import sys, time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\nsys.stdin.read()"
        before = quiet.own_seconds()
        with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            assert child.stdin and child.stdout
            child.stdout.readline()
            living = quiet.own_seconds() - before
            child.stdin.close()
        self.assertGreater(living, 0.25)
        self.assertGreaterEqual(quiet.own_seconds() - before, living - 0.02)

    def test_foreign_is_what_neither_load_nor_server_took(self) -> None:
        before = quiet.Moment(time=10, busy=100, own=7)
        self.assertAlmostEqual(quiet.Moment(12, 103, 9).foreign_since(before, cpus=2), 0.25)
        # The kernel's ticks are coarser than its account of a process.
        self.assertEqual(quiet.Moment(12, 101.99, 9).foreign_since(before, cpus=2), 0)

    def test_disturbed_rounds_are_left_out_in_order(self) -> None:
        chosen = quiet.quietest(rounds(0.5, 0.01, 0.2, 0.0, 0.03), 3)
        self.assertEqual(chosen.values, [1, 3, 4])
        self.assertTrue(chosen.is_quiet)
        self.assertEqual(str(chosen), "3 of 5 rounds, other work up to 3%")

    def test_without_enough_quiet_rounds_the_least_disturbed_count_and_are_told(self) -> None:
        chosen = quiet.quietest(rounds(0.5, 0.01, 0.2), 2)
        self.assertEqual(chosen.values, [1, 2])
        self.assertFalse(chosen.is_quiet)

    def test_rounds_are_measured_until_enough_are_quiet(self) -> None:
        made = []
        chosen = quiet.measure_quietly(lambda: made.append(1), wanted=2, most=4)
        self.assertEqual(len(made), chosen.count)
        self.assertTrue(2 <= chosen.count <= 4)


class Figures(unittest.TestCase):
    def test_what_two_reactors_gain_is_to_both_runs_of_one(self) -> None:
        self.assertAlmostEqual(cores.gain(100, 180, 81), 2)
        self.assertAlmostEqual(cores.surplus(20_000, 29_000, 24_000), 7000)

    def test_the_percentile_of_a_few_is_one_of_them(self) -> None:
        self.assertEqual(cores.p99([3.0]), 3)
        self.assertEqual(cores.p99([float(number) for number in range(200)]), 198)

    def test_a_miss_is_certain_only_if_the_interval_misses_too_and_nothing_disturbed(self) -> None:
        limit = FigureLimit(at_least=1.8)

        def judged(values: list[float], is_quiet: bool = True) -> Verdict:
            return figures.verdict(limit, figures.Figure("work", "", values, "", is_quiet))

        self.assertEqual(judged([1.9] * 7), Verdict.MET)
        self.assertEqual(judged([1.7] * 7), Verdict.MISSED)
        self.assertEqual(judged([1.7] * 7, is_quiet=False), Verdict.OPEN)
        self.assertEqual(judged([1.7] * 4 + [1.9] * 3), Verdict.OPEN)
        at_most = figures.verdict(FigureLimit(at_most=10), figures.Figure("dealing 8", "", [11.0] * 7, ""))
        self.assertEqual(at_most, Verdict.MISSED)

    def test_every_figure_has_its_limit_in_the_table(self) -> None:
        names = ["work", *(f"dealing {count}" for count in cores.CHURNS), "held rate", "held p99", "crowd"]
        limits = Thresholds.load().cores
        self.assertEqual(list(limits), names)
        known: dict[str, object] = {"cpu": "cpu", "cores": 2, "kernel": "6"}
        average = {"before": [0.5], "after": [1.5]}
        found = figures.Results("now", known, average, [figures.Figure(name, name, [1.0], "1 of 1") for name in names])
        page = cores.text(found, limits)
        self.assertIn("| work | ≥ 1.8 | 1.85 | 1 | **no** | 1 of 1 |", page)
        self.assertIn("| dealing 8 | ≤ 10 | 8 | 1 | yes | 1 of 1 |", page)


@unittest.skipUnless(PROGRAMS, "BENCH_PROGRAMS does not say where the programs are: make bench-test")
class Pools(unittest.TestCase):
    programs = Path(str(PROGRAMS))

    def test_the_kernels_tables_show_the_connections_of_each_worker(self) -> None:
        with running(cores.pooled(self.programs, 3), cpu=None) as server:
            workers = Workers(server.pid, 3)
            self.assertEqual(workers.live(), [0, 0, 0])
            callers = [Caller(server.path) for _ in range(4)]
            for caller in callers:
                caller.ask()
            workers.await_total(4)
            self.assertEqual(workers.live(), [1, 1, 2])
            for caller in callers:
                caller.close()
            workers.await_total(0)

    def test_a_crowd_is_even_after_half_of_it_has_left(self) -> None:
        live = cores.crowd(self.programs, count=100, reactors=2)
        self.assertEqual(sum(live), 100)
        self.assertLessEqual(live[1] - live[0], 2)

    def test_a_client_is_served_while_the_other_worker_is_held(self) -> None:
        found = cores.holding(self.programs, milliseconds=400, seconds=0.2)
        self.assertGreater(found.rate, 0)

    def test_the_loads_of_all_figures_are_answered(self) -> None:
        for options, load in ((("--work", 100), cores.WORKING), ((), (*cores.CHURNING, "--connections", "8"))):
            for reactors in (1, 2):
                found = cores.loaded(
                    self.programs, cores.pooled(self.programs, reactors, *options), (*load, "--seconds", "0.2"))
                self.assertGreater(found["messages"], 0)
                self.assertGreater(found["server_cpu_seconds"], 0)

    def test_the_delegate_takes_the_cpu_time_that_it_is_told_to(self) -> None:
        found = cores.loaded(self.programs, cores.pooled(self.programs, 1, "--work", 200), cores.WORKING)
        self.assertGreaterEqual(found["server_cpu_ns_per_message"], 150_000)
