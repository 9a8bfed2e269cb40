# SPDX-License-Identifier: Apache-2.0
import unittest

from harness.summary import METRICS, Run, Spread, compare, cpu, entries, ratios, typical


def run(number: int, entry: str, rate: float, p99: float = 10, cpu_seconds: float = 1) -> Run:
    latency = {"p50": p99 / 2, "p99": p99}
    return Run(number, entry, {
        "messages": 1000, "messages_per_second": rate, "server_cpu_seconds": cpu_seconds,
        "client_cpu_seconds": 2 * cpu_seconds, "latency_us": latency})


class Summaries(unittest.TestCase):
    def test_ratios_are_within_a_round(self) -> None:
        # The machine was slow in the second round; the ratios do not show it, as the medians of the rates would.
        runs = [run(0, "c", 100), run(0, "ours", 90), run(1, "ours", 45), run(1, "c", 50), run(2, "c", 10)]
        self.assertEqual(ratios(runs, "ours", "c", METRICS["rate"]), [0.9, 0.9])

    def test_a_round_without_the_reference_is_left_out(self) -> None:
        self.assertEqual(ratios([run(0, "c", 100), run(1, "ours", 90)], "ours", "c", METRICS["rate"]), [])

    def test_the_median_of_the_ratios_and_their_ends(self) -> None:
        runs = [run(n, "c", 100) for n in range(3)] + [run(n, "ours", rate) for n, rate in enumerate((80, 110, 90))]
        found = compare(runs, "ours", "c")
        self.assertEqual(found.ratio["rate"], Spread(0.9, 0.8, 1.1))
        self.assertEqual((found.rounds, found.absolute["rate"]), (3, 90))

    def test_spread(self) -> None:
        self.assertAlmostEqual(Spread.of([10, 8, 12]).width, 0.4)
        self.assertEqual(str(Spread.of([1, 0.5, 2])), "1.00 (0.50–2.00)")

    def test_cpu_is_in_nanoseconds_a_message(self) -> None:
        self.assertEqual(cpu(run(0, "c", 1, cpu_seconds=0.002).result), 2000)

    def test_the_typical_run_has_the_median_p99(self) -> None:
        runs = [run(number, "c", 1, p99) for number, p99 in enumerate((30, 10, 20))]
        self.assertEqual(typical(runs, "c"), runs[2])
        self.assertIsNone(typical(runs, "nobody"))

    def test_entries_keep_their_order(self) -> None:
        self.assertEqual(entries([run(0, "c", 1), run(0, "a", 1), run(1, "c", 1)]), ["c", "a"])
