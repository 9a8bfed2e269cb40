# SPDX-License-Identifier: Apache-2.0
"""How all pictures look, on a light and on a dark page.

Ours always has the same strong colour, the floor that of the text; the others' are of the palette of Okabe and Ito, which
people with any colour vision can tell apart, and have different markers and dashes.
"""

from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from ..results import Results

# What the title of a panel says.
KEY = "Above each panel: connections × messages in flight on each × size of a message"


@dataclass(frozen=True)
class Theme:
    # Of the files; DocC shows those of the second on a dark page by this name.
    suffix: str
    page: str
    text: str
    faint: str
    grid: str
    ours: str
    other: str
    lines: tuple[tuple[str, str, str], ...]


THEMES = (
    Theme("", "#FFFFFF", "#1A1A1A", "#666666", "#E4E4E4", "#D55E00", "#8FA6BA", (
        ("#0072B2", "o", "--"), ("#009E73", "s", "-."), ("#CC79A7", "^", ":"), ("#E69F00", "D", "--"),
        ("#56B4E9", "v", "-."))),
    Theme("~dark", "#0D1117", "#E6EDF3", "#9BA5B0", "#2B323B", "#FF8A3D", "#6E8296", (
        ("#56B4E9", "o", "--"), ("#2FC79B", "s", "-."), ("#E29CC4", "^", ":"), ("#F0B93A", "D", "--"),
        ("#9CD3F5", "v", "-."))),
)


@dataclass(frozen=True)
class Canvas:
    """Where the pictures of some results go, and how they look."""

    results: Results
    directory: Path
    theme: Theme

    def prepare(self) -> None:
        """Before the first picture."""
        look = self.theme
        plt.rcParams.update({
            "font.size": 9, "axes.titlesize": 10, "axes.spines.top": False, "axes.spines.right": False,
            "axes.titlelocation": "left", "axes.edgecolor": look.faint, "axes.facecolor": look.page,
            "figure.facecolor": look.page, "savefig.facecolor": look.page, "text.color": look.text,
            "axes.labelcolor": look.text, "axes.titlecolor": look.text, "xtick.color": look.faint,
            "ytick.color": look.faint, "svg.hashsalt": "bench"})

    def colour(self, server: str) -> str:
        return {self.results.ours: self.theme.ours, self.results.floor: self.theme.text}.get(server, self.theme.other)

    def label(self, server: str) -> str:
        return self.results.titles.get(server, server)

    def where(self) -> str:
        """The machine, and the day."""
        known = self.results.machine
        return (
            f"{known['cpu']}, {known['cores']} cores{' of a virtual machine' if known['virtual'] else ''}, "
            f"Linux {known['kernel'].split('-')[0]}; {self.results.date[:10]}. Method and all figures: "
            "Benchmarks/results/REPORT.md")

    def save(self, figure: Figure, name: str, title: str, key: str = "") -> None:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold", color=self.theme.text)
        below = " · ".join(part for part in (key, self.where()) if part)
        figure.supxlabel(below, x=0.01, ha="left", fontsize=7.5, color=self.theme.faint)
        figure.savefig(
            self.directory / f"{name}{self.theme.suffix}.png", dpi=130, bbox_inches="tight", metadata={"Software": None})
        plt.close(figure)


def plain(value: float, _position: object = None) -> str:
    """1,000 rather than 10 to the power of 3."""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def logarithmic(axes: Axes, least: float, most: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(least, most)
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    axes.xaxis.set_minor_locator(NullLocator())
