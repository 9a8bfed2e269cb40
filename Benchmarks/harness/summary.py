# SPDX-License-Identifier: Apache-2.0
"""From runs to figures: medians, and ratios within a round."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

Result = dict[str, Any]
Metric = Callable[[Result], float]


def rate(result: Result) -> float:
    return result["messages_per_second"]


def cpu(result: Result) -> float:
    """Nanoseconds of the server's cpu for a message."""
    return result["server_cpu_seconds"] * 1e9 / max(result["messages"], 1)


def load_cpu(result: Result) -> float:
    """Nanoseconds of the load's cpu for a message."""
    return result["client_cpu_seconds"] * 1e9 / max(result["messages"], 1)


def latency(percentile: str) -> Metric:
    return lambda result: result["latency_us"][percentile]


METRICS: dict[str, Metric] = {
    "rate": rate, "cpu": cpu, "load_cpu": load_cpu, "p50": latency("p50"), "p99": latency("p99")}


@dataclass(frozen=True)
class Spread:
    """A median, and between what it lies."""

    median: float
    least: float
    most: float

    @staticmethod
    def of(values: Iterable[float]) -> "Spread":
        known = list(values)
        return Spread(median(known), min(known), max(known))

    @property
    def width(self) -> float:
        """From the least to the most, as a part of the median."""
        return (self.most - self.least) / self.median if self.median else 0.0

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f}–{self.most:.2f})"


@dataclass(frozen=True)
class Run:
    """What a server did in one round."""

    round: int
    entry: str
    result: Result


def values(runs: Iterable[Run], entry: str, metric: Metric) -> dict[int, float]:
    """By round."""
    return {run.round: metric(run.result) for run in runs if run.entry == entry}


def ratios(runs: Iterable[Run], entry: str, reference: str, metric: Metric) -> list[float]:
    """Of each round in which both ran: what else the machine did then met both."""
    known = list(runs)
    ours, theirs = values(known, entry, metric), values(known, reference, metric)
    return [ours[number] / theirs[number] for number in sorted(ours) if theirs.get(number)]


@dataclass(frozen=True)
class Comparison:
    """An entry's medians, and its ratios to the floor."""

    entry: str
    rounds: int
    absolute: dict[str, float]
    ratio: dict[str, Spread]


def compare(runs: Iterable[Run], entry: str, floor: str) -> Comparison:
    known = list(runs)
    own = {name: values(known, entry, metric).values() for name, metric in METRICS.items()}
    ratio = {name: ratios(known, entry, floor, metric) for name, metric in METRICS.items()}
    return Comparison(
        entry, rounds=len(own["rate"]), absolute={name: median(found) for name, found in own.items()},
        ratio={name: Spread.of(found) for name, found in ratio.items() if found})


def entries(runs: Iterable[Run]) -> list[str]:
    """In the order in which they first ran."""
    return list(dict.fromkeys(run.entry for run in runs))


def typical(runs: Iterable[Run], entry: str) -> Run | None:
    """The run whose p99 is the median one: its curve stands for the entry."""
    own = sorted((run for run in runs if run.entry == entry), key=lambda run: METRICS["p99"](run.result))
    return own[len(own) // 2] if own else None
