# SPDX-License-Identifier: Apache-2.0
"""A bar with the time left, on standard error: one line on a terminal, a line now and then in a log."""

import sys
import time
from typing import TextIO

BAR_WIDTH = 24
LOG_INTERVAL_SECONDS = 20.0


def duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds + 0.5), 60)
    return f"{minutes}:{rest:02}"


class Progress:
    """Counts down the planned seconds, at the pace of those that have passed."""

    def __init__(self, planned_seconds: float, stream: TextIO = sys.stderr) -> None:
        self.planned, self.done = max(planned_seconds, 1e-9), 0.0
        self.stream, self.is_terminal = stream, stream.isatty()
        self.began = self.logged = time.monotonic()

    def remaining(self) -> float:
        elapsed = time.monotonic() - self.began
        pace = elapsed / self.done if self.done > 0.02 * self.planned else 1.0
        return max(self.planned - self.done, 0) * pace

    def show(self, what: str) -> None:
        part = min(self.done / self.planned, 1)
        bar = "#" * int(part * BAR_WIDTH)
        line = f"[{bar:.<{BAR_WIDTH}}] {part:4.0%}, {duration(self.remaining())} left: {what}"
        if self.is_terminal:
            print(f"\r\x1b[K{line[:118]}", end="", file=self.stream, flush=True)
        elif time.monotonic() - self.logged >= LOG_INTERVAL_SECONDS:
            self.logged = time.monotonic()
            print(line, file=self.stream, flush=True)

    def advance(self, planned_seconds: float) -> None:
        self.done += planned_seconds

    def end(self) -> None:
        if self.is_terminal:
            print("\r\x1b[K", end="", file=self.stream, flush=True)
