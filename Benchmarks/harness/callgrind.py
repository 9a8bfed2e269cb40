# SPDX-License-Identifier: Apache-2.0
"""`bench instructions`: the cost of a message in user mode, counted by callgrind, the same on any machine.

The slope between a short and a long load: what starting up and connecting cost cancels out.
"""

import re
import shutil
import signal
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from .progress import Progress
from .running import Command, run_load, running
from .scenarios import SCENARIOS, Scenario
from .servers import FLOOR, OURS, POOL, THREADED
from .tables import MISSING, markdown

NAMES = ("S2", "S3", "S4")
ASYNC, BATCHES = "pipes-async", "pipes-batches"
SHORT_SERVERS = (FLOOR, OURS, THREADED, POOL, ASYNC, BATCHES)
LONG_SERVERS = (*SHORT_SERVERS, "nio-tuned", "nio")
SHORT_LOAD, LONG_LOAD = 10_000, 60_000
# valgrind is 20 to 50 times slower, and a load that gives usable counts still ends within seconds.
RUN_SECONDS = 300.0

Counts = dict[str, dict[str, float]]  # per message, by server, then by scenario


def total(text: str) -> int:
    """The instructions of the whole process, from a callgrind.out file (its "Callgrind Format Specification")."""
    found = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
    if not found:
        raise SystemExit("callgrind wrote no total")
    return int(found.group(1))


def slope(short: float, long: float, short_messages: int, long_messages: int) -> float:
    return (long - short) / (long_messages - short_messages)


def instructions(programs: Path, server: str, scenario: Scenario, messages: int) -> int:
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        out = Path(directory) / "callgrind.out"
        inside = ("valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}")
        # Told to end, not killed: callgrind writes its counts then.
        with running(Command(programs, server, inside=inside), cpu=None, end_with=signal.SIGTERM) as process:
            options = [*scenario.load, "--messages", str(messages)]
            run_load(programs, process, options, cpu=None, timeout=RUN_SECONDS, counts_server=False)
        return total(out.read_text())


def per_message(programs: Path, server: str, scenario: Scenario) -> float:
    counts = [instructions(programs, server, scenario, messages) for messages in (SHORT_LOAD, LONG_LOAD)]
    return slope(counts[0], counts[1], SHORT_LOAD, LONG_LOAD)


def count(programs: Path, servers: Sequence[str]) -> Counts:
    if not shutil.which("valgrind"):
        raise SystemExit("valgrind is needed: apt install valgrind")
    progress = Progress(5.0 * len(servers) * len(NAMES))
    counts: Counts = {}
    for server in servers:
        for name in NAMES:
            progress.show(f"{name}, {server}")
            counts.setdefault(server, {})[name] = per_message(programs, server, SCENARIOS[name])
            progress.advance(5.0)
    progress.end()
    return counts


def table(counts: Counts, limits: Counts, aims: Counts) -> str:
    def row(title: str, found: dict[str, float]) -> list[str]:
        return [title, *(f"{found[name]:,.0f}" if name in found else MISSING for name in NAMES)]

    rows = [row(server, found) for server, found in counts.items()]
    for kind, bounds in (("limit", limits), ("aim", aims)):
        rows += [row(f"{kind} for {server}", bounds[server]) for server in counts if server in bounds]
    return markdown(["User instructions per message", *NAMES], rows)


def dearer(counts: Counts, server: str, than: str, tolerance: float) -> Iterable[str]:
    """A server must take no more instructions than another one, if both were counted."""
    if server in counts and than in counts:
        for name, found in counts[server].items():
            if found > counts[than][name] * (1 + tolerance):
                yield f"{name}: {server} takes {found:,.0f} instructions a message, and {than} {counts[than][name]:,.0f}"


def beyond(counts: Counts, limits: Counts, tolerance: float) -> Iterable[str]:
    for server, found in counts.items():
        for name, limit in limits.get(server, {}).items():
            if found[name] > limit * (1 + tolerance):
                yield f"{name}: {server} takes {found[name]:,.0f} instructions a message, and may take {limit:,.0f}"
