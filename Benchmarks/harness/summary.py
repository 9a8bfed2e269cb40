# SPDX-License-Identifier: Apache-2.0
"""From runs to figures: ratios within a round, their medians, and the confidence intervals of these."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import comb, prod
from statistics import median
from typing import Any

Result = dict[str, Any]
Metric = Callable[[Result], float]


def rate(result: Result) -> float:
    return result["messages_per_second"]


def per_message(result: Result, seconds: str) -> float:
    return result[seconds] * 1e9 / result["messages"] if result["messages"] else 0.0


def cpu(result: Result) -> float:
    """The server's CPU time for a message, in nanoseconds."""
    return per_message(result, "server_cpu_seconds")


def load_cpu(result: Result) -> float:
    """The load's CPU time for a message, in nanoseconds."""
    return per_message(result, "client_cpu_seconds")


def latency(percentile: str) -> Metric:
    return lambda result: result["latency_us"][percentile]


METRICS: dict[str, Metric] = {
    "rate": rate, "cpu": cpu, "load_cpu": load_cpu, "p50": latency("p50"), "p99": latency("p99")}

CONFIDENCE = 0.95


def outermost(count: int) -> int:
    """How many of `count` sorted values lie outside of the median's interval, at each end.

    Each value is below the true median as likely as above, so how many are below has the binomial distribution, whatever
    the values' own is: Conover, Practical Nonparametric Statistics, 3.2. With fewer than six, all values are inside.
    """
    outside, beyond = 0, 1 / 2**count
    while (beyond := beyond + comb(count, outside + 1) / 2**count) <= (1 - CONFIDENCE) / 2:
        outside += 1
    return outside


@dataclass(frozen=True)
class Spread:
    """A median, and the interval that holds the true one in 19 of 20 cases."""

    median: float
    low: float
    high: float
    count: int

    @property
    def is_certain(self) -> bool:
        """Whether there were enough values for such an interval."""
        return 2 / 2**self.count <= 1 - CONFIDENCE

    @staticmethod
    def of(values: Iterable[float]) -> "Spread":
        known = sorted(values)
        outside = outermost(len(known))
        return Spread(median(known), known[outside], known[-1 - outside], len(known))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f}–{self.high:.2f})"


@dataclass(frozen=True)
class Run:
    """The result of a server in one round; the floor has two."""

    round: int
    entry: str
    result: Result


def by_round(runs: Iterable[Run], entry: str, metric: Metric) -> dict[int, list[float]]:
    """Without zeros: a run in which server or load never got the CPU has measured nothing."""
    found: dict[int, list[float]] = {}
    for run in runs:
        if run.entry == entry and metric(run.result) > 0:
            found.setdefault(run.round, []).append(metric(run.result))
    return found


def values(runs: Iterable[Run], entry: str, metric: Metric) -> dict[int, float]:
    """By round: of the floor's two runs the mean, so that a machine that became slower meanwhile favours no server.

    The geometric one. The arithmetic mean is larger the more the two differ: it made the floor look 1 to 3 % faster.
    """
    return {number: prod(found) ** (1 / len(found)) for number, found in by_round(runs, entry, metric).items()}


def ratios(runs: Iterable[Run], entry: str, reference: str, metric: Metric) -> list[float]:
    """For each round in which both ran, so that other work of the machine affected both."""
    known = list(runs)
    ours, theirs = values(known, entry, metric), values(known, reference, metric)
    return [ours[number] / theirs[number] for number in sorted(ours) if theirs.get(number)]


def repeats(runs: Iterable[Run], entry: str, metric: Metric) -> list[float]:
    """The second run to the first of each round that had two: the same program, so the difference is noise."""
    pairs = by_round(runs, entry, metric).values()
    return [found[1] / found[0] for found in pairs if len(found) == 2]


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
        entry, rounds=len(own["rate"]), absolute={name: median(found) for name, found in own.items() if found},
        ratio={name: Spread.of(found) for name, found in ratio.items() if found})


def entries(runs: Iterable[Run]) -> list[str]:
    """In the order in which they first ran."""
    return list(dict.fromkeys(run.entry for run in runs))


def typical(runs: Iterable[Run], entry: str) -> Run | None:
    """The run with the median p99: its curve represents the entry."""
    own = sorted((run for run in runs if run.entry == entry), key=lambda run: METRICS["p99"](run.result))
    return own[len(own) // 2] if own else None
