# SPDX-License-Identifier: Apache-2.0
import tempfile
import unittest
from pathlib import Path

from harness import report, results, tables
from harness.limits import Thresholds
from harness.measuring import Measured
from harness.plan import Slot
from harness.scenarios import LATENCY, SCENARIOS, Entry
from harness.servers import FLOOR, OURS

MACHINE = {
    "cpu": "a cpu", "cores": 2, "virtual": True, "memory_bytes": 2**30, "kernel": "6", "system": "Debian",
    "versions": {"swift": "6.3"}}


def load_result(rate: float) -> dict[str, object]:
    return {
        "messages": 100, "messages_per_second": rate, "server_cpu_seconds": 1e-6, "client_cpu_seconds": 1e-6,
        "latency_us": {"p50": 1.0, "p90": 2.0, "p99": 3.0, "p99.9": 4.0, "max": 5.0},
        "latency_curve_us": [[0, 1.0], [50, 1.0], [100, 5.0]], "server_resident_bytes_per_connection": 333.0}


def measured_results(names: list[str]) -> results.Results:
    scenarios = {}
    for name in names:
        scenario = SCENARIOS[name]
        runs = [(Slot(scenario, number, Entry(entry, entry), LATENCY), load_result(rate))
                for number in range(2) for entry, rate in ((FLOOR, 100.0), (OURS, 97.0), (FLOOR, 104.0))]
        scenarios[name] = results.collect(scenario, Measured(runs, {"node": "it crashed"}))
    return results.Results(
        "2026-01-01T00:00", MACHINE, {"before": [0.1], "after": [2.0]}, FLOOR, OURS,
        {FLOOR: "C, raw epoll", OURS: "Ours"}, {"go": "go is not installed"}, scenarios)


class Files(unittest.TestCase):
    def test_what_is_saved_is_what_is_loaded(self) -> None:
        saved = measured_results(["S1", "S10"])
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "somewhere" / "latest.json"
            results.save(saved, path)
            found = results.load(path)
        self.assertEqual(found.scenarios["S1"].runs, saved.scenarios["S1"].runs)
        self.assertEqual(found.scenarios["S1"].comparisons(FLOOR), saved.scenarios["S1"].comparisons(FLOOR))
        for part in ("machine", "titles", "unavailable", "load_average"):
            self.assertEqual(getattr(found, part), getattr(saved, part))

    def test_one_curve_is_kept_for_each_entry(self) -> None:
        scenario = measured_results(["S1"]).scenarios["S1"]
        self.assertEqual(scenario.curves[OURS][1], (50, 1.0))
        self.assertNotIn("latency_curve_us", scenario.runs[0].result)


class Pages(unittest.TestCase):
    def test_the_table_has_the_floors_figures_and_the_ratios_to_them(self) -> None:
        table = tables.ratio_table(measured_results(["S1"]), "rate")
        self.assertIn("| C, raw epoll, messages a second | 102 |", table)
        self.assertIn("| **Ours** | **0.95** |", table)

    def test_the_floor_is_compared_with_itself(self) -> None:
        self.assertIn("| 2 | 1.04 (1.04–1.04) | 1.00 (1.00–1.00) | 1.04–1.04 |", report.noise(measured_results(["S1"])))

    def test_memory_is_the_median(self) -> None:
        self.assertEqual(tables.idle_bytes(measured_results(["S10"]), OURS), 333)
        self.assertIsNone(tables.idle_bytes(measured_results(["S1"]), OURS))

    def test_the_page_tells_who_is_missing_and_what_was_not_measured(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            page = report.page(measured_results(["S1", "S10"]), Thresholds.load(), [], Path(directory))
        for said in ("go is not installed", "node failed in S1: it crashed", "not measured", "a cpu, 2 cores, virtual"):
            self.assertIn(said, page)
