# SPDX-License-Identifier: Apache-2.0
"""Our echo servers and our client under every kind of load; the load checks each reply."""

import os
import unittest
from functools import partial
from pathlib import Path

from harness import rpc
from harness.running import Command, run_load, running
from harness.scenarios import LOAD, OUR_LOAD
from harness.servers import FLOOR

PROGRAMS = os.environ.get("BENCH_PROGRAMS")

LOADS = (
    ("--in-flight", "512"),
    ("--connections", "100", "--in-flight", "16"),
    ("--connections", "4", "--in-flight", "8", "--size", "65536"),
    ("--in-flight", "2", "--size", "4194304"),
    ("--connections", "16", "--in-flight", "4", "--sizes", "mixed"),
    ("--connections", "3", "--in-flight", "64", "--size", "16384"),
)
OF_THE_OTHER_LOAD = (
    ("--churn", "--connections", "8"),
    ("--connections", "100", "--rate", "20000"),
    ("--flood", "4"),
)


@unittest.skipUnless(PROGRAMS, "BENCH_PROGRAMS does not say where the programs are: make bench-test")
class Ours(unittest.TestCase):
    def exchange(self, server: str, load: str, options: tuple[str, ...]) -> None:
        programs = Path(str(PROGRAMS))
        with self.subTest(server=server, load=load, options=options), running(Command(programs, server), None) as ready:
            result = run_load(
                programs, ready, [*options, "--seconds", "0.4"], None, timeout=60, program=load, counts_server=False)
            self.assertGreater(result["messages"], 0)

    def test_the_servers(self) -> None:
        for options in (*LOADS, *OF_THE_OTHER_LOAD):
            for server in ("pipes", "pipes-pool", "pipes-async", "pipes-batches"):
                self.exchange(server, LOAD, options)

    def test_calls(self) -> None:
        programs = Path(str(PROGRAMS))
        options = ("--connections", "3", "--in-flight", "4", "--seconds", "0.2", "--warm-up", "0.1")
        server = next(entry.server for entry in rpc.ENTRIES if entry.name == rpc.OURS)
        with running(partial(server.command, programs), None) as ready:
            result = run_load(
                programs, ready, options, None, timeout=60, program="pipes-rpc-load", counts_server=False)
        self.assertGreater(result["messages"], 0)

    def test_the_client(self) -> None:
        for options in LOADS:
            if "--sizes" not in options:
                self.exchange(FLOOR, OUR_LOAD, options)
