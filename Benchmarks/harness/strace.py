# SPDX-License-Identifier: Apache-2.0
"""`bench syscalls`: system calls per message, counted by strace; as with instructions, the slope between two loads."""

import contextlib
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from .callgrind import slope
from .progress import Progress
from .running import Command, run_load, running
from .scenarios import SCENARIOS, Scenario
from .servers import FLOOR, OURS
from .tables import markdown

NAMES = ("S1", "S3", "S4", "S6")
SERVERS = (FLOOR, OURS)
LOADS = {"S1": (200, 2200), "S3": (20_000, 220_000), "S4": (2000, 12_000), "S6": (500, 3500)}
RUN_SECONDS = 120.0
SUMMARY_SECONDS = 10.0
SHOWN = 0.0005  # calls a message

# The calls of connecting and closing, which the load makes at its ends and the slope does not remove entirely.
PER_CONNECTION = frozenset({"accept", "accept4", "close", "shutdown"})

Calls = dict[str, float]  # by name
Counts = dict[str, dict[str, Calls]]  # per message, by server, then by scenario


def parse(text: str) -> Calls:
    """The calls column of strace -c (strace(1)): `% time, seconds, usecs/call, calls, errors or nothing, syscall`."""
    calls: Calls = {}
    for line in text.splitlines():
        found = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
        if found and found.group(2) != "total":
            calls[found.group(2)] = float(found.group(1))
    return calls


def await_summary(out: Path) -> str:
    """strace, a process of its own, writes it when the server has ended."""
    deadline = time.monotonic() + SUMMARY_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            text = out.read_text()
            if re.search(r"\btotal$", text, re.MULTILINE):
                return text
        time.sleep(0.01)
    raise SystemExit("strace wrote no summary")


def calls(programs: Path, server: str, scenario: Scenario, messages: int) -> Calls:
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        out = Path(directory) / "strace.out"
        # -D: strace is the grandchild, so that the process we start, and end, is the server.
        inside = ("strace", "-D", "-f", "-qq", "-c", "-o", str(out))
        with running(Command(programs, server, inside=inside), cpu=None, end_with=signal.SIGTERM) as process:
            options = [*scenario.load, "--messages", str(messages)]
            run_load(programs, process, options, cpu=None, timeout=RUN_SECONDS, counts_server=False)
        return parse(await_summary(out))


def per_message(programs: Path, server: str, scenario: Scenario) -> Calls:
    fewer, more = LOADS[scenario.name]
    short, long = calls(programs, server, scenario, fewer), calls(programs, server, scenario, more)
    slopes = {name: slope(short.get(name, 0), long[name], fewer, more) for name in long}
    return {name: value for name, value in slopes.items() if value >= SHOWN and name not in PER_CONNECTION}


def count(programs: Path, servers: Sequence[str]) -> Counts:
    if not shutil.which("strace"):
        raise SystemExit("strace is needed: apt install strace")
    progress = Progress(2.0 * len(servers) * len(NAMES))
    counts: Counts = {}
    for name in NAMES:
        for server in servers:
            progress.show(f"{name}, {server}")
            counts.setdefault(server, {})[name] = per_message(programs, server, SCENARIOS[name])
            progress.advance(2.0)
    progress.end()
    return counts


def described(found: Calls) -> str:
    """The sum, and its parts."""
    parts = sorted(found.items(), key=lambda part: -part[1])
    return f"{sum(found.values()):.3f} ({', '.join(f'{name} {value:.3f}' for name, value in parts)})"


def table(counts: Counts) -> str:
    rows = [["System calls per message", *counts]]
    rows += [[name, *(described(counts[server][name]) for server in counts)] for name in NAMES]
    return markdown(rows[0], rows[1:])


def beyond(counts: Counts, names: Iterable[str], tolerance: float) -> Iterable[str]:
    for name in names:
        ours, floor = (sum(counts[server][name].values()) for server in (OURS, FLOOR))
        if ours > floor * (1 + tolerance):
            yield f"{name}: {OURS} makes {ours:.3f} system calls a message, the floor {floor:.3f}"
