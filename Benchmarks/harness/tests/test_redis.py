# SPDX-License-Identifier: Apache-2.0
import unittest
from pathlib import Path
from typing import Any

from harness import redis, results
from harness.running import RunFailed
from harness.summary import Run

CSV = '''"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
"LPUSH (needed)","10.00","1","1","1","1","1","1"
"GET","55555.56","2.559","0.296","0.463","9.319","9.439","9.471"
'''


def result(rate: float, cpu_seconds: float) -> dict[str, Any]:
    return redis.parse(CSV) | {
        "messages_per_second": rate, "messages": 1000, "server_cpu_seconds": cpu_seconds, "client_cpu_seconds": 1.0}


class Redis(unittest.TestCase):
    def test_the_last_line_of_the_table_counts(self) -> None:
        found = redis.parse(CSV)
        self.assertEqual(found["messages_per_second"], 55555.56)
        self.assertAlmostEqual(found["latency_us"]["p99"], 9439)
        with self.assertRaises(RunFailed):
            redis.parse("Could not connect\n")

    def test_neither_server_persists_or_listens_to_a_port(self) -> None:
        theirs = redis.Start(redis.THEIRS, Path("/programs"))("/tmp/d/socket")
        self.assertEqual(theirs[theirs.index("--port") + 1], "0")
        self.assertEqual(theirs[theirs.index("--save") + 1], "")
        self.assertEqual(redis.Start(redis.OURS, Path("/programs"))("/s"), ["/programs/KeyValue", "/s"])

    def test_every_load_has_a_count_for_every_pipeline(self) -> None:
        for load in redis.LOADS:
            self.assertEqual(set(load.requests), set(redis.PIPELINES), load.name)

    def test_ratios_are_to_both_runs_of_redis_in_the_round(self) -> None:
        runs = []
        for number in range(3):
            runs += [
                Run(number, redis.THEIRS, result(100, 2.0)), Run(number, redis.OURS, result(300, 1.0)),
                Run(number, redis.THEIRS, result(400, 2.0))]
        scenario = results.ScenarioResults("GET", "GET", "", 50, {}, runs, {}, {})
        found = results.Results("now", {}, {}, redis.THEIRS, redis.OURS, {}, {}, {"GET": scenario})
        row = redis.table(found).splitlines()[-1]
        self.assertIn("| 1.50 (1.50–1.50) | 0.50 (0.50–0.50) |", row)
        self.assertIn("4.00–4.00", row)
