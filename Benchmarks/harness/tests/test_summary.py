# SPDX-License-Identifier: Apache-2.0
import unittest

from harness.summary import METRICS, Run, Spread, compare, cpu, entries, outermost, ratios, repeats, typical


def run(number: int, entry: str, rate: float, p99: float = 10, cpu_seconds: float = 1) -> Run:
    latency = {"p50": p99 / 2, "p99": p99}
    return Run(number, entry, {
        "messages": 1000, "messages_per_second": rate, "server_cpu_seconds": cpu_seconds,
        "client_cpu_seconds": 2 * cpu_seconds, "latency_us": latency})


class Summaries(unittest.TestCase):
    def test_ratios_are_within_a_round(self) -> None:
        # The machine was slow in the second round. The ratios do not show that, as the medians of the rates would.
        runs = [run(0, "c", 100), run(0, "ours", 90), run(1, "ours", 45), run(1, "c", 50), run(2, "c", 10)]
        self.assertEqual(ratios(runs, "ours", "c", METRICS["rate"]), [0.9, 0.9])

    def test_a_round_without_the_reference_is_left_out(self) -> None:
        self.assertEqual(ratios([run(0, "c", 100), run(1, "ours", 90)], "ours", "c", METRICS["rate"]), [])

    def test_the_median_of_the_ratios_and_their_ends(self) -> None:
        runs = [run(n, "c", 100) for n in range(3)] + [run(n, "ours", rate) for n, rate in enumerate((80, 110, 90))]
        found = compare(runs, "ours", "c")
        self.assertEqual(found.ratio["rate"], Spread(0.9, 0.8, 1.1, 3))
        self.assertEqual((found.rounds, found.absolute["rate"]), (3, 90))

    def test_the_reference_is_the_geometric_mean_of_its_two_runs(self) -> None:
        runs = [run(0, "c", 100), run(0, "ours", 180), run(0, "c", 400)]
        self.assertAlmostEqual(ratios(runs, "ours", "c", METRICS["rate"])[0], 0.9)

    def test_the_second_run_to_the_first_tells_the_noise(self) -> None:
        runs = [run(0, "c", 100), run(0, "c", 110), run(1, "c", 100), run(1, "c", 80), run(2, "c", 100)]
        found = repeats(runs, "c", METRICS["rate"])
        self.assertEqual(found, [1.1, 0.8])

    def test_a_run_without_any_cpu_has_measured_nothing(self) -> None:
        runs = [run(0, "c", 1), run(0, "ours", 1, cpu_seconds=0), run(1, "c", 1), run(1, "ours", 1)]
        self.assertEqual(ratios(runs, "ours", "c", METRICS["cpu"]), [1])

    def test_a_run_without_any_message_has_measured_nothing(self) -> None:
        stalled = run(0, "ours", 0)
        stalled.result["messages"] = 0
        for metric in ("rate", "cpu", "load_cpu"):
            self.assertEqual(ratios([run(0, "c", 1), stalled], "ours", "c", METRICS[metric]), [])

    def test_the_interval_of_a_median(self) -> None:
        # Tables of the sign test, 95 %: from the first of 6, the second of 9, the sixth of 20, the tenth of 30.
        self.assertEqual([outermost(count) for count in (1, 5, 6, 9, 20, 30)], [0, 0, 0, 1, 5, 9])
        self.assertEqual(Spread.of([9, 1, 2, 3, 4, 5, 6, 7, 8]), Spread(5, 2, 8, 9))
        self.assertEqual(str(Spread.of([1, 0.5, 2])), "1.00 (0.50–2.00)")

    def test_cpu_is_in_nanoseconds_a_message(self) -> None:
        self.assertEqual(cpu(run(0, "c", 1, cpu_seconds=0.002).result), 2000)

    def test_the_typical_run_has_the_median_p99(self) -> None:
        runs = [run(number, "c", 1, p99) for number, p99 in enumerate((30, 10, 20))]
        self.assertEqual(typical(runs, "c"), runs[2])
        self.assertIsNone(typical(runs, "nobody"))

    def test_entries_keep_their_order(self) -> None:
        self.assertEqual(entries([run(0, "c", 1), run(0, "a", 1), run(1, "c", 1)]), ["c", "a"])
