# SPDX-License-Identifier: Apache-2.0
"""Has the pictures drawn by an interpreter with matplotlib: Debian's, if this one does not have it."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HINT = "no pictures: matplotlib is missing (apt install python3-matplotlib)"


@dataclass(frozen=True)
class Picture:
    name: str
    alt: str

    @property
    def file(self) -> str:
        return f"{self.name}.png"

    @property
    def dark_file(self) -> str:
        return f"{self.name}~dark.png"

    def markdown(self) -> str:
        """Shows the one that suits the reader's page."""
        return (
            f'<picture><source media="(prefers-color-scheme: dark)" srcset="{self.dark_file}">'
            f'<img alt="{self.alt}" src="{self.file}"></picture>')


PICTURES = (
    Picture("introduction", "Bars: messages a second relative to C, under four loads, by server"),
    Picture("rate", "Bars: messages a second relative to C, by load and server"),
    Picture("cpu", "Dots: server cpu per message relative to C, by load and server"),
    Picture("latency", "Curves: latency by percentile, by load and server"),
    Picture("growth", "Curves: cpu and memory by the number of connections"),
    Picture("memory", "Dots: resident bytes of an idle connection, by server"),
)


def interpreter() -> str | None:
    for candidate in (sys.executable, "/usr/bin/python3"):
        if Path(candidate).exists() and not subprocess.run(
                [candidate, "-c", "import matplotlib"], stderr=subprocess.DEVNULL, check=False).returncode:
            return candidate
    return None


def draw(results: Path, directory: Path) -> list[Picture]:
    """Draws the pictures for which the results have figures, and returns these pictures."""
    for picture in PICTURES:
        for name in (picture.file, picture.dark_file):
            (directory / name).unlink(missing_ok=True)
    python = interpreter()
    if python is None:
        print(HINT, file=sys.stderr)
        return []
    package = Path(__file__).resolve().parent
    subprocess.run(
        [python, "-m", f"{package.name}.drawing", str(results.resolve()), str(directory.resolve())],
        cwd=package.parent, check=True)
    return [picture for picture in PICTURES if (directory / picture.file).exists()]
