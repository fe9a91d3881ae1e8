"""Lays out a contact sheet: small pictures in rows, each with a line of text below it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PAPER: Final = "white"
INK: Final = (32, 32, 32)
PALE: Final = (120, 120, 120)
"""For the note below all pictures."""

ASPECT: Final = 1.4
"""Width to height of a sheet, about: that of a printed page."""


@dataclass(frozen=True, eq=False)
class Cell:
    """One picture of a sheet."""

    label: str
    """The line below it."""

    pixels: NDArray[np.uint8] = field(repr=False)
    """Colours [h, w, 3], 0 to 255."""


def compose(cells: Sequence[Cell], note: str = "") -> NDArray[np.uint8]:
    """Arrange cells in rows, in their order, and write `note` below them all; return colours [H, W, 3].

    There must be at least one cell.  All sizes follow from the pictures', so that a sheet of larger pictures
    is the same page, only finer.
    """
    side = math.sqrt(max(x.pixels.shape[0] * x.pixels.shape[1] for x in cells))
    font = ImageFont.load_default(max(side / 17, 11))
    line = math.ceil(font.getbbox("Ág")[3] * 1.4)
    gap = round(max(side / 11, 10))
    width = max(math.ceil(max(x.pixels.shape[1], font.getlength(x.label))) for x in cells) + gap
    height = max(x.pixels.shape[0] for x in cells) + line + gap
    columns = _columns(len(cells), width / height)
    rows = -(-len(cells) // columns)
    margin = 2 * gap
    lines = _wrapped(note, font, columns * width - gap)
    foot = gap // 4 + len(lines) * line if lines else 0
    page = Image.new(
        "RGB", (columns * width - gap + 2 * margin, rows * height - gap + 2 * margin + foot), PAPER
    )
    pen = ImageDraw.Draw(page)
    for i, cell in enumerate(cells):
        x, y = margin + i % columns * width, margin + i // columns * height
        page.paste(Image.fromarray(cell.pixels), (x, y))
        pen.text((x, y + cell.pixels.shape[0] + line * 0.25), cell.label, fill=INK, font=font)
    for i, text in enumerate(lines):
        pen.text((margin, page.height - margin - (len(lines) - i) * line), text, fill=PALE, font=font)
    return np.asarray(page)


def _columns(count: int, aspect: float) -> int:
    """Return how many columns give a page of about `ASPECT` with few empty places."""

    def badness(columns: int) -> float:
        rows = -(-count // columns)
        empty = (rows * columns - count) / count
        return abs(math.log(aspect * columns / rows / ASPECT)) + empty

    return min(range(1, count + 1), key=badness)


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> list[str]:
    """Break a text between words into lines of at most `width` pixels."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
