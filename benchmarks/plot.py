"""Draw what step.py or gpu.py saved: time and memory of a step against the picture's size, as a PNG."""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report import Row

OUTPUT = Path(__file__).parent.parent / "docs" / "pictures" / "performance.png"

INK, PALE = "#3b4252", "#d8dee9"
COLOURS = ("#1f6fb4", "#c7742e", "#5b7f5f", "#8a6aa5", "#8c6d46", "#5e6b78")
"""The engine's, which comes first, is the strongest."""

GAP = 0.075
"""Least distance of two labels, as a share of a panel's height."""


def main() -> None:
    """Read the command line and the files, draw, write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="JSON of --json; later files replace equal rows")
    parser.add_argument(
        "-o", "--output", type=Path, default=OUTPUT, help="default: docs/pictures/performance.png"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="draw these contenders; without it, all")
    options = parser.parse_args()
    found = read(options.files)
    lines = {name: rows for name, rows in found.items() if name in (options.only or found)}
    if not lines:
        raise SystemExit(f"nothing to draw: the contenders measured are {', '.join(found) or 'none'}")
    draw(lines, options.output)


def read(files: Sequence[Path]) -> dict[str, list[Row]]:
    """Return the measured rows of each contender, small pictures first."""
    found: dict[tuple[str, float], Row] = {}
    for file in files:
        for row in json.loads(file.read_text(encoding="utf-8"))["rows"]:
            if row.get("median_s"):
                found[row["contender"], row["megapixels"]] = row
    lines: dict[str, list[Row]] = {}
    for (name, _), row in sorted(found.items(), key=lambda item: item[0][1]):
        lines.setdefault(name, []).append(row)
    return dict(sorted(lines.items(), key=lambda item: not item[0].startswith("engine")))


def draw(lines: dict[str, list[Row]], output: Path) -> None:
    """Draw both panels, 1800 pixels wide."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    style = {"font.size": 10, "text.color": INK, "axes.edgecolor": PALE, "axes.labelcolor": INK}
    with mpl.rc_context(style | {"xtick.color": INK, "ytick.color": INK}):
        figure, (time, memory) = plt.subplots(1, 2, figsize=(9, 3.9), dpi=200)
        panel(time, "Milliseconds per step", lines, "median_s", 1000)
        panel(memory, "Peak memory in MB", lines, "peak_mb", 1)
        figure.tight_layout(w_pad=2)
        figure.canvas.draw()  # labels are placed where the axes have come to lie
        label(time, lines, "median_s", 1000)
        label(memory, lines, "peak_mb", 1)
        figure.savefig(output)
    print(output)


def panel(axes: Any, title: str, lines: dict[str, list[Row]], key: str, unit: int) -> None:
    """Draw one line per contender, on logarithmic axes: sizes and figures span two orders of magnitude."""
    from matplotlib import ticker

    for (_, rows), colour in zip(lines.items(), colours(lines), strict=True):
        known = [row for row in rows if row.get(key)]
        x, y = [row["megapixels"] for row in known], [row[key] * unit for row in known]
        first = colour == COLOURS[0]
        axes.loglog(
            x,
            y,
            color=colour,
            marker="o",
            markersize=5,
            linewidth=2.6 if first else 1.8,
            zorder=3 if first else 2,
        )
    sizes = sorted({row["megapixels"] for rows in lines.values() for row in rows})
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK)
    axes.set_xlabel("megapixels")
    axes.set_xticks(sizes, [f"{size:.2g}" if size < 10 else f"{size:.0f}" for size in sizes], minor=False)
    axes.set_xticks([], minor=True)
    room = 0.03 + 0.024 * max(map(len, lines))  # for the labels, as a share of the width
    axes.set_xlim(sizes[0] / 1.15, sizes[-1] * (1.5 * sizes[-1] / sizes[0]) ** (room / (1 - room)))
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1000 else f"{value:g}")
    axes.yaxis.set_minor_locator(ticker.NullLocator())
    axes.grid(visible=True, axis="y", color=PALE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, which="both")
    axes.spines[["top", "right", "left"]].set_visible(False)


def colours(lines: dict[str, list[Row]]) -> list[str]:
    """Return a colour for each line."""
    return [COLOURS[i % len(COLOURS)] for i in range(len(lines))]


def label(axes: Any, lines: dict[str, list[Row]], key: str, unit: int) -> None:
    """Write each contender's name at the end of its line, no two over each other."""
    ends = []
    for (name, rows), colour in zip(lines.items(), colours(lines), strict=True):
        known = [row for row in rows if row.get(key)]
        if known:
            point = axes.transData.transform((known[-1]["megapixels"], known[-1][key] * unit))
            ends.append((*axes.transAxes.inverted().transform(point), name, colour))
    for (x, _, name, colour), height in zip(ends, spread([y for _, y, *_ in ends]), strict=True):
        axes.text(
            *(x + 0.025, height, name),
            transform=axes.transAxes,
            color=colour,
            weight="bold",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},  # the grid ends before it
        )


def spread(heights: Sequence[float]) -> list[float]:
    """Move heights so far that GAP is between any two of them, and none is above 1."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    moved = list(heights)
    for _ in range(50):
        for low, high in pairwise(order):
            lacking = GAP - (moved[high] - moved[low])
            if lacking > 0:
                moved[low] -= lacking / 2
                moved[high] += lacking / 2
    over = max(0.0, max(moved, default=0.0) - 1)
    return [height - over for height in moved]


if __name__ == "__main__":
    main()
