# SPDX-License-Identifier: Apache-2.0
"""Draws all of them."""

import sys
from pathlib import Path

from ..results import load
from .curves import draw_growth, draw_latency
from .rows import INTRODUCED, draw_memory, draw_ratios
from .theme import THEMES, Canvas

RATE = "Messages a second, relative to C on raw epoll (more is better)"


def main() -> None:
    results, directory = load(Path(sys.argv[1])), Path(sys.argv[2])
    for theme in THEMES:
        canvas = Canvas(results, directory, theme)
        canvas.prepare()
        draw_ratios(canvas, "introduction", "rate", RATE, only=INTRODUCED)
        draw_ratios(canvas, "rate", "rate", RATE)
        draw_ratios(canvas, "cpu", "cpu", "Server cpu per message, relative to C on raw epoll (less is better; logarithmic)")
        draw_latency(canvas)
        draw_growth(canvas)
        draw_memory(canvas)


if __name__ == "__main__":
    main()
