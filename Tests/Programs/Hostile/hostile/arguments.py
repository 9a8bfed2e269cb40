# SPDX-License-Identifier: Apache-2.0
"""The command line."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from typing import Callable

from hostile.figures import Figure, table
from hostile.peers.comparison import compare
from hostile.processes import Context
from hostile.soak import soak
from hostile.probes import (
    calls, crowd, descriptors, endings, fairness, memory, names, pools, programs, stopped, tasks)

Probe = Callable[[Context], list[Figure]]

PROBES: dict[str, Probe] = {
    "7": names.serving_again,
    "9": names.racing_starts,
    "11": names.permission_window,
    "21": fairness.greedy_user,
    "24": descriptors.descriptor_bomb,
    "25": descriptors.descriptor_flood,
    "28": descriptors.no_descriptors,
    "31": memory.lengths,
    "32": memory.announcements,
    "33": memory.slow_loris,
    "38": memory.never_reads,
    "39": crowd.broadcast,
    "41": endings.tail_loss,
    "51": fairness.flood,
    "52": fairness.burst,
    "61": names.hand_over,
    "68": endings.deaf_ears,
    "69": descriptors.early_bombs,
    "90": descriptors.bombs_with_passing_on,
    "70": endings.last_words,
    "71": names.kept_file,
    "72": memory.hoarders,
    "95": memory.hoarders_at_handlers,
    "75": names.hostile_directories,
    "76": names.cleaners,
    "77": programs.inherited,
    "74": calls.idle_deadlines,
    "78": stopped.stopped_past_limits,
    "80": calls.peers_of_every_kind,
    "82": calls.framed_nonsense,
    "79": tasks.always_in_flight,
    "81": programs.results,
    "83": programs.left_behind,
    "sweep": crowd.sweep,
    **pools.PROBES,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="Tests/Programs/Hostile/run", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    suite = commands.add_parser("suite", help="attack our own server; fails where a limit does not hold")
    suite.add_argument("--target", required=True, help="the hostile-target program")
    suite.add_argument("--long", action="store_true", help="as often as the figures demand: half an hour")
    suite.add_argument("--only", default="", help=f"numbers with commas between: {','.join(PROBES)}; 84: all of those")
    soaking = commands.add_parser("soak", help="churn, floods and faults for minutes; fails where anything grows")
    soaking.add_argument("--target", required=True, help="the hostile-target program")
    soaking.add_argument("--minutes", type=float, default=5)
    soaking.add_argument("--connections", type=int, default=15_000, help="how many stay all the time")
    peers = commands.add_parser("peers", help="the same attacks on other servers")
    peers.add_argument("--target", required=True, help="the hostile-target program")
    peers.add_argument("--programs", required=True, help="where c-bufferevent-echo and nio-echo are")
    peers.add_argument("--output", default="", help="a file for the table")
    options = parser.parse_args()
    if options.command == "peers":
        return compare(options.target, options.programs, options.output)
    if options.command == "soak":
        return run({"soak": lambda context: soak(context, options.minutes, options.connections)}, options.target, False)
    only = [number for number in options.only.split(",") if number]
    return run({number: PROBES[number] for number in chosen(only) or PROBES}, options.target, options.long)


def chosen(names: list[str]) -> list[str]:
    """The probes of these numbers; 84 is that of all probes that attack a pool."""
    return [number for name in names for number in PROBES if number == name or number.startswith(name + ".")]


def run(probes: dict[str, Probe], target: str, is_long: bool) -> int:
    figures: list[Figure] = []
    # A directory of its own inside the temporary one, which other users may enter, as some probes do.
    with tempfile.TemporaryDirectory(prefix="hostile-") as directory:
        os.chmod(directory, 0o755)
        context = Context(target, directory, is_long)
        for number, probe in probes.items():
            start = time.monotonic()
            figures += again_if_late(number, probe, context)
            print(f"{number}: {probe.__name__}, {time.monotonic() - start:.1f} s", flush=True)
    print("\n" + table(figures))
    failures = [figure for figure in figures if not figure.holds]
    print(f"\n{len(figures)} figures, {len(failures)} beyond their limits.")
    if failures:
        print(table(failures))
    return 1 if failures else 0


def again_if_late(number: str, probe: Probe, context: Context) -> list[Figure]:
    """A fault comes back, a moment in which the machine did something else does not: what misses nothing but limits of
    time is measured up to twice more. Whatever else is wrong counts the first time."""
    for _ in range(2):
        figures = attempt(number, probe, context)
        missed = [figure for figure in figures if not figure.holds]
        if not missed or not all(figure.is_timed for figure in missed):
            return figures
        for figure in missed:
            print(f"{number}: {figure.what} was {figure.found} of {figure.limit} ({figure.remark}); again", flush=True)
    return attempt(number, probe, context)


def attempt(number: str, probe: Probe, context: Context) -> list[Figure]:
    """A probe that cannot go on is a failure, and no reason to leave out the others. Each attempt has a directory of its
    own: what another probe, or the attempt before, calls its files is not in its way."""
    directory = tempfile.mkdtemp(prefix=f"{number}-", dir=context.directory)
    os.chmod(directory, 0o755)
    try:
        return probe(Context(context.target, directory, context.is_long))
    except (OSError, RuntimeError, EOFError) as error:
        return [Figure(number, probe.__name__, f"{type(error).__name__}: {error}", "-", False)]
