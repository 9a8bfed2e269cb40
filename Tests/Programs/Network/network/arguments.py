# SPDX-License-Identifier: Apache-2.0
"""The command line."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile

from hostile.figures import Figure, table

from network import hosts
from network.programs import Context
from network.scenarios import delays, hosts as between_hosts
from network.soak import soak


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, prog="run")
    parser.add_argument("what", choices=["suite", "soak"])
    parser.add_argument("--pipectl", required=True, help="the program, built with the trait NATS")
    parser.add_argument("--minutes", type=float, default=5, help="the length of a soak")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if shutil.which("nats-server") is None:
        sys.exit("nats-server is not installed (Debian: nats-server)")
    with tempfile.TemporaryDirectory(prefix="pipes-network-") as directory:
        context = Context(arguments.pipectl, directory)
        figures = asyncio.run(figures_of(arguments, context))
    print(table(figures))
    failed = sum(1 for figure in figures if not figure.holds)
    print(f"\n{len(figures)} figures, {failed} beyond their limits")
    return 1 if failed else 0


async def figures_of(arguments: argparse.Namespace, context: Context) -> list[Figure]:
    if arguments.what == "soak":
        return await soak(context, arguments.minutes, arguments.seed)
    figures = []
    if hosts.are_possible():
        figures += await between_hosts(context)
    else:
        print("The part between two hosts needs root, and iproute2: skipped.", flush=True)
    return figures + await delays(context)
