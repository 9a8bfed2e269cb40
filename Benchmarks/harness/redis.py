# SPDX-License-Identifier: Apache-2.0
"""`bench redis`: the example KeyValue beside redis-server, on the same kind of socket, under redis-benchmark.

As everywhere here: redis-server, ours, redis-server again, for each load in each round; ratios within a round, and of those
the median. Nothing of the load is ours.
"""

import argparse
import csv
import datetime
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import machine, results
from .progress import Progress
from .running import Cpus, Result, RunFailed, RunningServer, pinning, running
from .servers import PACKAGE, build_step
from .summary import Run, compare
from .tables import markdown, shown

THEIRS, OURS = "redis-server", "KeyValue"
TOOLS = ("redis-server", "redis-benchmark")
CONNECTIONS, KEYS, PIPELINES = 50, 10_000, (1, 16)
ROUNDS, QUICK_ROUNDS = 9, 3
RUN_SECONDS = 60.0


@dataclass(frozen=True)
class Load:
    """One command, as redis-benchmark sends it; the requests of a run by how many are in flight on each connection."""

    name: str
    words: tuple[str, ...]
    requests: dict[int, int]
    # Commands that have to run before.
    before: tuple[str, ...] = ()

    def title(self, pipeline: int) -> str:
        return f"{self.name}, {CONNECTIONS} × {pipeline}"


USUAL, LONG_REPLIES = {1: 30_000, 16: 200_000}, {1: 15_000, 16: 30_000}
KEY, VALUE = "key:__rand_int__", "xxx"
SET = ("set", KEY, VALUE)
LOADS = (
    Load("PING", ("ping",), USUAL),
    Load("SET", SET, USUAL),
    Load("GET", ("get", KEY), USUAL, before=SET),
    Load("INCR", ("incr", "counter:__rand_int__"), USUAL),
    Load("DEL", ("del", KEY), USUAL, before=SET),
    Load("LPUSH", ("lpush", "list", VALUE), USUAL),
    Load("LRANGE of 100", ("lrange", "list", "0", "99"), LONG_REPLIES, before=("lpush", "list", VALUE)),
    Load("MSET of 10", ("mset", *(10 * (KEY, VALUE))), {1: 20_000, 16: 60_000}),
)


@dataclass(frozen=True)
class Start:
    """The command that starts one of the two on a socket."""

    server: str
    programs: Path

    def __call__(self, path: str) -> list[str]:
        if self.server == OURS:
            return [str(self.programs / "KeyValue"), path]
        # Neither has a port, and neither writes to a disk.
        return [
            THEIRS, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no",
            "--dir", os.path.dirname(path)]


def build() -> Path:
    """Builds the example (release) and returns its directory."""
    swift = ["swift", "build", "--package-path", str(PACKAGE.parent), "--configuration", "release"]
    build_step([*swift, "--product", "KeyValue"])
    asked = subprocess.run([*swift, "--show-bin-path"], check=True, capture_output=True, text=True)
    return Path(asked.stdout.strip())


def cpu_seconds(pid: int) -> float:
    """The CPU time of the process so far, to the nanosecond: that of its one serving thread."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def benchmark(server: RunningServer, words: Sequence[str], count: int, pipeline: int, cpu: int | None) -> str:
    command = [
        "redis-benchmark", "-s", server.path, "-n", str(count), "-c", str(CONNECTIONS), "-P", str(pipeline),
        "-r", str(KEYS), "--csv", *words]
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=RUN_SECONDS, preexec_fn=pinning(cpu))
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as failure:
        raise RunFailed(f"redis-benchmark: {failure}") from None
    return done.stdout


def parse(text: str) -> Result:
    """The last line of redis-benchmark's table, in this harness's units."""
    rows = list(csv.DictReader(text.strip().splitlines()))
    if not rows or "p99_latency_ms" not in rows[-1]:
        raise RunFailed("redis-benchmark printed no table; 6.2 or later is needed")
    row = rows[-1]
    percentiles = {name: float(row[f"{name}_latency_ms"]) * 1000 for name in ("p50", "p95", "p99", "max")}
    return {"messages_per_second": float(row["rps"]), "latency_us": percentiles}


def run_once(start: Start, load: Load, pipeline: int, cpus: Cpus) -> Result:
    count = load.requests[pipeline]
    with running(start, cpus.server) as server:
        if load.before:
            benchmark(server, load.before, 5 * KEYS, 16, cpus.load)
        benchmark(server, load.words, count // 10, pipeline, cpus.load)
        before = (cpu_seconds(server.pid), children_seconds())
        found = parse(benchmark(server, load.words, count, pipeline, cpus.load))
        after = (cpu_seconds(server.pid), children_seconds())
    return found | {
        "messages": count, "server_cpu_seconds": after[0] - before[0], "client_cpu_seconds": after[1] - before[1]}


def measure(programs: Path, rounds: int) -> dict[str, results.ScenarioResults]:
    cpus = Cpus.chosen()
    order = (THEIRS, OURS, THEIRS)
    progress = Progress(rounds * len(LOADS) * len(PIPELINES) * len(order) * 0.8)
    runs: dict[str, list[Run]] = {}
    for number in range(rounds):
        for load in LOADS:
            for pipeline in PIPELINES:
                for server in order:
                    progress.show(f"round {number + 1}, {load.title(pipeline)}, {server}")
                    found = run_once(Start(server, programs), load, pipeline, cpus)
                    runs.setdefault(load.title(pipeline), []).append(Run(number, server, found))
                    progress.advance(0.8)
    progress.end()
    return {
        title: results.ScenarioResults(
            title, title, "", CONNECTIONS, {name: name for name in (THEIRS, OURS)}, found, {}, {})
        for title, found in runs.items()}


def gathered(scenarios: dict[str, results.ScenarioResults], before: Sequence[float]) -> results.Results:
    known = machine.describe()
    version = machine.first_line(THEIRS, "--version") or "unknown"
    return results.Results(
        date=datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
        machine=known | {"versions": {"redis": version}}, load_average={"before": list(before), "after": list(os.getloadavg())},
        floor=THEIRS, ours=OURS, titles={THEIRS: "redis-server", OURS: "KeyValue"}, unavailable={}, scenarios=scenarios)


def table(found: results.Results) -> str:
    header = (
        "connections × pipelined", "rounds", "redis-server, requests/s", "KeyValue: rate", "cpu per request", "p50", "p99",
        "redis-server to itself: rate")
    rows = []
    for name, scenario in found.scenarios.items():
        theirs, ours = (compare(scenario.runs, entry, THEIRS) for entry in (THEIRS, OURS))
        again = sorted(scenario.repeated(THEIRS, "rate"))
        rows.append([
            name, str(ours.rounds), f"{theirs.absolute['rate']:,.0f}",
            *(shown(ours, metric) for metric in ("rate", "cpu", "p50", "p99")),
            f"{again[0]:.2f}–{again[-1]:.2f}"])
    return markdown(header, rows)


def text(found: results.Results) -> str:
    load = {when: f"{averages[0]:.1f}" for when, averages in found.load_average.items()}
    return "\n\n".join((
        "The example `KeyValue` and redis-server, each alone on a cpu, without persistence, under redis-benchmark on "
        "another. Ratios to redis-server in the same round: the median, and the interval that holds the true one in 19 of 20 "
        "cases, or all of fewer than six. Rate: more is better; cpu and latency: less. Where many requests are in flight, "
        "redis-benchmark itself is busy all the time, so look at rate and cpu together.",
        table(found),
        f"{found.date}; {found.machine['cpu']}, Linux {found.machine['kernel']}; {found.machine['versions']['redis']}; "
        f"load average {load['before']} before and {load['after']} after."))


def run(arguments: argparse.Namespace) -> int:
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        print(f"Not compared with Redis: {' and '.join(missing)} not installed", file=sys.stderr)
        return 0
    programs, before = arguments.programs or build(), os.getloadavg()
    rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS)
    found = gathered(measure(programs, rounds), before)
    print(text(found))
    if arguments.output is not None:
        results.save(found, arguments.output / "redis.json")
        (arguments.output / "redis.md").write_text(text(found) + "\n")
    return 0
