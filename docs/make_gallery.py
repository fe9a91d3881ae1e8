"""Make the pictures of docs/gallery.md, one sheet a preset: python docs/make_gallery.py [PRESET...].

Some ten minutes on two cores for all of them.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from make_pictures import photograph
from PIL import Image

import engine
from engine.settings import presets

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures" / "gallery"
ROWS = [
    ["examples/astronaut.jpg", "examples/mountains.jpg", "examples/sunset.jpg"],
    ["export/photographs/drawing.jpg", "examples/palace.jpg", "examples/cafe.jpg"],
]
"""A face, a landscape, a sky; a drawing, a building, a painting."""

WIDTH = 1200
"""Of a sheet, in pixels."""

LARGEST = 448
"""Longer side of a picture to dream on, in pixels: what a sheet can show."""


def main() -> None:
    """Write the sheets of some presets, or of all and of the photographs themselves."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    model = engine.load_model(device="cpu")
    photographs = [[photograph(ROOT / name, LARGEST) for name in row] for row in ROWS]
    names = sys.argv[1:] or list(presets.built_in())
    if not sys.argv[1:]:
        save(sheet(photographs), "photographs")
    for number, name in enumerate(names, 1):
        started = time.monotonic()
        dreams = [[engine.dream(x, preset=name, model=model).image for x in row] for row in photographs]
        save(sheet(dreams), name)
        seconds = time.monotonic() - started
        sys.stderr.write(f"{number} of {len(names)}: {name}, {seconds:.0f} s\n")


def sheet(rows: list[list[Image.Image]]) -> Image.Image:
    """Put rows of pictures under each other, the pictures of a row at one height, all rows equally wide."""
    strips = [strip(row) for row in rows]
    page = Image.new("RGB", (WIDTH, sum(x.height for x in strips)))
    top = 0
    for image in strips:
        page.paste(image, (0, top))
        top += image.height
    return page


def strip(images: list[Image.Image]) -> Image.Image:
    """Put pictures next to each other, so that they fill the width."""
    height = round(WIDTH / sum(x.width / x.height for x in images))
    row = Image.new("RGB", (WIDTH, height))
    edges = [0]
    for image in images:
        edges.append(edges[-1] + round(image.width / image.height * height))
    edges[-1] = WIDTH
    for image, left, right in zip(images, edges[:-1], edges[1:], strict=True):
        row.paste(image.resize((right - left, height), Image.Resampling.LANCZOS), (left, 0))
    return row


def save(image: Image.Image, name: str) -> None:
    """Write a JPEG for the web."""
    image.save(PICTURES / f"{name}.jpg", quality=82, optimize=True)


if __name__ == "__main__":
    main()
