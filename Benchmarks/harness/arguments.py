# SPDX-License-Identifier: Apache-2.0
"""The command line of `Benchmarks/bench`."""

import argparse
from functools import partial
from pathlib import Path
from types import ModuleType

from . import beyond, commands, cores, redis, rpc
from .scenarios import SCENARIOS
from .servers import OURS, SERVERS

Parser = argparse.ArgumentParser


def positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("must be positive")
    return value


def whole(text: str) -> int:
    return int(positive(text))


def add_programs(parser: Parser) -> None:
    parser.add_argument("--programs", type=Path, help="where the programs are; default: they are built")


def add_output(parser: Parser, default: Path | None) -> None:
    parser.add_argument("--output", type=Path, default=default, help="directory of the results; default %(default)s")


def add_servers(parser: Parser, default: list[str] | None) -> None:
    parser.add_argument(
        "--servers", nargs="+", choices=list(SERVERS), default=default, metavar="NAME", help=", ".join(SERVERS))


def add_only(parser: Parser, default: str) -> None:
    parser.add_argument(
        "--only", nargs="+", choices=list(SCENARIOS), metavar="S", help=f"{', '.join(SCENARIOS)}; default {default}")


def define_run(parser: Parser) -> None:
    parser.set_defaults(function=commands.run_all)
    parser.add_argument("--quick", action="store_true", help="under two minutes: ours, the floor, SwiftNIO; few rounds")
    parser.add_argument("--budget", type=positive, metavar="SECONDS", help="for all runs together, without building")
    add_only(parser, "all")
    add_programs(parser)
    add_output(parser, commands.RESULTS)


def define_compare(parser: Parser) -> None:
    parser.set_defaults(function=commands.compare_some)
    add_servers(parser, [OURS])
    add_only(parser, "S1 to S8")
    parser.add_argument("--rounds", type=whole, default=3, help="default 3, which decides nothing under 15 %%")
    parser.add_argument("--seconds", type=positive, default=0.5, help="measured in each run; default 0.5")
    add_programs(parser)


def define_check(parser: Parser) -> None:
    parser.set_defaults(function=commands.check_ratios)
    parser.add_argument("--long", action="store_true", help="more rounds, less tolerance")
    add_programs(parser)


def define_instructions(parser: Parser) -> None:
    parser.set_defaults(function=commands.count_instructions)
    parser.add_argument("--long", action="store_true", help="SwiftNIO as well")
    define_counting(parser)


def define_calls(parser: Parser) -> None:
    parser.set_defaults(function=commands.count_calls)
    define_counting(parser)


def define_counting(parser: Parser) -> None:
    parser.add_argument("--check", action="store_true", help="fail beyond the limits in thresholds.json")
    add_servers(parser, None)
    add_programs(parser)
    add_output(parser, None)


def define_section(section: ModuleType, parser: Parser) -> None:
    """For the module of a section of the report that has rounds of its own."""
    parser.set_defaults(function=section.run)
    quick = f"{section.QUICK_ROUNDS} rounds instead of {section.ROUNDS}"
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--rounds", type=whole, help="so many")
    add_programs(parser)
    add_output(parser, None)


def define_report(parser: Parser) -> None:
    parser.set_defaults(function=commands.draw_again)
    add_output(parser, commands.RESULTS)


COMMANDS = (
    ("run", define_run, "measure everybody under every load, and write the report"),
    ("compare", define_compare, "some servers under some loads, as a table on the terminal"),
    ("check", define_check, "fail if a ratio to the floor is beyond its limit in thresholds.json"),
    ("instructions", define_instructions, "user instructions per message, by callgrind"),
    ("syscalls", define_calls, "system calls per message, by strace"),
    ("redis", partial(define_section, redis), "the example KeyValue beside redis-server, under redis-benchmark"),
    ("cores", partial(define_section, cores), "a pool of two reactors beside a pool of one: what it gains, and what it costs"),
    ("beyond", partial(define_section, beyond), "sessions behind a NATS broker beside pipes, and beside C on libnats alone"),
    ("rpc", partial(define_section, rpc), "JSON-RPC beside grpc-swift 2, and beside servers in Python"),
    ("report", define_report, "the report and its pictures again, from the results"),
)


def main() -> int:
    parser = Parser(prog="Benchmarks/bench", description="Measures echo servers against each other.")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, define, text in COMMANDS:
        define(subparsers.add_parser(name, help=text, description=text))
    arguments = parser.parse_args()
    return arguments.function(arguments)
