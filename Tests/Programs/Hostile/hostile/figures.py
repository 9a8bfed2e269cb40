# SPDX-License-Identifier: Apache-2.0
"""The findings of a probe, and whether they are within the limits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One row of the table."""

    number: str
    what: str
    found: str
    limit: str
    holds: bool
    remark: str = ""
    is_timed: bool = False
    """Whether other work on the machine can spoil it."""


TIMED = {"ms", "s", "%", "times"}


def at_most(number: str, what: str, value: float, limit: float, unit: str, remark: str = "") -> Figure:
    is_timed = unit in TIMED
    return Figure(number, what, f"{value:,.4g} {unit}", f"{limit:,.4g} {unit}", value <= limit, remark, is_timed)


def exactly(number: str, what: str, value: object, expected: object, remark: str = "") -> Figure:
    return Figure(number, what, str(value), str(expected), value == expected, remark)


def table(figures: list[Figure]) -> str:
    """The figures in Markdown, aligned for reading as plain text."""
    rows = [("No.", "What", "Found", "Limit", "", "Remark")]
    rows += [(f.number, f.what, f.found, f.limit, "ok" if f.holds else "FAILED", f.remark) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
