# SPDX-License-Identifier: Apache-2.0
import unittest

from harness import callgrind, strace

CALLGRIND = """# callgrind format
version: 1
events: Ir
summary: 123456
fn=(1) main
16 400
totals: 123456
"""

STRACE = """% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.001200           1      1000           sendto
 30.00    0.000600           1      1010        10 recvfrom
 10.00    0.000200           1         7         1 epoll_wait
------ ----------- ----------- --------- --------- ----------------
100.00    0.002000           0      2017        11 total
"""


class Counting(unittest.TestCase):
    def test_callgrinds_total(self) -> None:
        self.assertEqual(callgrind.total(CALLGRIND), 123456)
        with self.assertRaises(SystemExit):
            callgrind.total("nothing")

    def test_the_slope_leaves_out_what_starting_costs(self) -> None:
        self.assertEqual(callgrind.slope(5_000_000 + 70 * 1000, 5_000_000 + 70 * 9000, 1000, 9000), 70)

    def test_straces_columns_with_and_without_errors(self) -> None:
        self.assertEqual(strace.parse(STRACE), {"sendto": 1000, "recvfrom": 1010, "epoll_wait": 7})

    def test_calls_are_listed_with_their_sum(self) -> None:
        self.assertEqual(strace.described({"read": 0.25, "write": 1.0}), "1.250 (write 1.000, read 0.250)")

    def test_more_instructions_than_the_limit_are_told(self) -> None:
        found = list(callgrind.beyond(
            {"pipes": {"S2": 151.0, "S3": 100.0}, "c-epoll": {"S2": 999.0}}, {"pipes": {"S2": 140, "S3": 190}}, 0.05))
        self.assertEqual(len(found), 1)
        self.assertIn("S2", found[0])

    def test_a_server_that_takes_more_instructions_than_another_is_told(self) -> None:
        counts = {"pipes-pool": {"S2": 104.0, "S4": 106.0}, "pipes-threaded": {"S2": 100.0, "S4": 100.0}}
        found = list(callgrind.dearer(counts, "pipes-pool", "pipes-threaded", 0.05))
        self.assertEqual(len(found), 1)
        self.assertIn("S4", found[0])
        self.assertEqual(list(callgrind.dearer({"pipes-pool": {"S2": 9.0}}, "pipes-pool", "pipes-threaded", 0.05)), [])

    def test_more_calls_than_the_floors_are_told(self) -> None:
        counts = {"c-epoll": {"S1": {"read": 3.0}}, "pipes": {"S1": {"read": 3.05}}}
        self.assertEqual(list(strace.beyond(counts, ["S1"], 0.02)), [])
        counts["pipes"]["S1"]["read"] = 3.1
        self.assertEqual(len(list(strace.beyond(counts, ["S1"], 0.02))), 1)
