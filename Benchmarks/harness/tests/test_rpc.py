# SPDX-License-Identifier: Apache-2.0
import importlib.util
import unittest
from collections.abc import Iterable

from harness import quiet, rpc
from harness.figures import Figure, Results
from harness.limits import Thresholds
from harness.running import Result
from harness.servers import PEERS

LOAD = rpc.Load(1, 64)


def result(rate: float) -> Result:
    """The faster, the less CPU time and latency, in proportion."""
    return {
        "messages": 1000, "messages_per_second": rate, "server_cpu_seconds": 1 / rate, "client_cpu_seconds": 1,
        "latency_us": {"p50": 1e6 / rate, "p99": 2e6 / rate}}


def figures(*rounds: Iterable[float]) -> dict[str, Figure]:
    """Of rounds of ours, gRPC, and ours again."""
    entries = rpc.ENTRIES[:2]
    names = [entry.name for entry in rpc.in_order(entries)]
    measured = [quiet.Round([*zip(names, map(result, rates), strict=True)], 0) for rates in rounds]
    chosen = quiet.Chosen(measured, len(measured))
    return {found.name: found for found in rpc.figures_of(LOAD, entries, chosen)}


class Section(unittest.TestCase):
    def test_a_load_names_itself_and_its_options(self) -> None:
        self.assertEqual([load.title for load in rpc.LOADS], ["1,000 × 1", "1 × 64", "1 × 1"])
        self.assertEqual(LOAD.options[:6], ("--connections", "1", "--in-flight", "64", "--size", "32"))

    def test_ours_runs_before_and_after_the_others(self) -> None:
        names = [entry.name for entry in rpc.in_order(rpc.ENTRIES)]
        self.assertEqual((names[0], names[-1], names.count(rpc.OURS)), (rpc.OURS, rpc.OURS, 2))

    def test_a_ratio_is_of_both_runs_of_ours_within_a_round(self) -> None:
        found = figures((100, 50, 400), (90, 30, 90))
        self.assertEqual([round(ratio, 6) for ratio in found["to grpc: rate 1 × 64"].values], [4, 3])
        self.assertEqual([round(ratio, 6) for ratio in found["to grpc: cpu 1 × 64"].values], [0.25, round(1 / 3, 6)])
        self.assertEqual([round(ratio, 6) for ratio in found["again: rate 1 × 64"].values], [4, 1])

    def test_cpu_is_shown_in_microseconds_a_call(self) -> None:
        self.assertAlmostEqual(figures((100, 50, 100))["grpc: cpu 1 × 64"].values[0], 1e6 / 50 / 1000)

    def test_every_limit_is_one_of_a_figure(self) -> None:
        names = {
            rpc.ratio_name(entry.name, metric, load)
            for entry in rpc.ENTRIES[1:] for load in rpc.LOADS for metric in rpc.COMPARED}
        self.assertLessEqual(set(Thresholds.load().rpc), names)
        self.assertLessEqual({name for name in names if name == "to grpc: rate 1 × 64"}, set(figures((1, 1, 1))))

    def test_an_entry_whose_runs_failed_is_left_out_and_no_other(self) -> None:
        chosen = quiet.Chosen([quiet.Round([(rpc.OURS, result(100)), (rpc.OURS, result(100))], 0)], 1)
        names = {found.name for found in rpc.figures_of(LOAD, rpc.ENTRIES[:2], chosen)}
        self.assertIn("pipes: rate 1 × 64", names)
        self.assertFalse([name for name in names if "grpc" in name])
        chosen = quiet.Chosen([quiet.Round([(rpc.GRPC, result(100))], 0)], 1)
        names = {found.name for found in rpc.figures_of(LOAD, rpc.ENTRIES[:2], chosen)}
        self.assertEqual(names, {f"grpc: {metric} 1 × 64" for metric in rpc.SHOWN})

    def test_the_table_has_the_servers_that_were_measured(self) -> None:
        lines = rpc.servers_table([*figures((1000, 100, 1000)).values()]).splitlines()[2:]
        self.assertEqual(len(lines), 2)
        self.assertTrue(lines[0].startswith("| 1 × 64 | NamedPipesRPC | 1,000 |"), lines[0])
        self.assertIn("| 10.00 (10.00–10.00) | 0.10 (0.10–0.10) |", lines[1])

    def test_the_page_judges_what_has_a_limit_and_shows_the_noise(self) -> None:
        found = Results.now([*figures((100, 20, 100), (110, 20, 100)).values()], (0, 0, 0), {"grpc-swift-2": "2.4.3"})
        page = rpc.text(found, Thresholds.load().rpc)
        self.assertIn("| 1 × 64: calls a second to grpc-swift 2 | ≥ 2 | 5 |", page)
        self.assertIn("| 1 × 64: calls a second, ours to itself | – | – |", page)
        self.assertIn("grpc-swift-2 2.4.3, python ", page)


class FakeTransport:
    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


class PythonServer(unittest.TestCase):
    def setUp(self) -> None:
        specification = importlib.util.spec_from_file_location("jsonrpc_echo", PEERS / "jsonrpc-echo.py")
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        self.lines = module.Lines(lambda line: "" if line == "note" else f"<{line}>")
        self.lines.transport = FakeTransport()

    def received(self, *chunks: bytes) -> list[bytes]:
        for chunk in chunks:
            self.lines.data_received(chunk)
        return self.lines.transport.written

    def test_the_answers_to_a_chunk_are_written_together(self) -> None:
        self.assertEqual(self.received(b"a\nb\n"), [b"<a>\n<b>\n"])

    def test_a_line_may_come_in_pieces(self) -> None:
        self.assertEqual(self.received(b"a", b"b\nc", b"\n"), [b"<ab>\n", b"<c>\n"])

    def test_a_notification_is_not_answered(self) -> None:
        self.assertEqual(self.received(b"note\n"), [])
