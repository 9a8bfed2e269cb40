# SPDX-License-Identifier: Apache-2.0
import unittest

from harness import beyond, figures
from harness.limits import FigureLimit, Thresholds


class Section(unittest.TestCase):
    def test_a_load_names_itself_and_its_options(self) -> None:
        self.assertEqual([load.title for load in beyond.LOADS], ["1 × 64 B", "64 × 64 B", "512 × 64 B", "4 × 64 KiB"])
        self.assertEqual(beyond.LOADS[-1].options[:4], ("--in-flight", "4", "--size", "65536"))

    def test_every_limit_is_one_of_a_figure(self) -> None:
        names = {f"{what} {load.name}" for what in ("pipe", "session", "library", "to C") for load in beyond.LOADS}
        self.assertLessEqual(set(Thresholds.load().beyond), names)

    def test_a_figure_without_a_limit_is_shown_without_a_verdict(self) -> None:
        found = figures.Figure("pipe 1", "a pipe", [2.0], "1 of 1")
        self.assertEqual(figures.row(FigureLimit(), found), ["a pipe", "–", "–", "2", "–", "1 of 1"])
        self.assertEqual(figures.row(FigureLimit(at_most=1), found)[1], "≤ 1")
