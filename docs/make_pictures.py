"""Make the pictures of the README from examples/: python docs/make_pictures.py.

About three minutes on two cores.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

import engine
from engine.galleries.sheet import Cell, compose

ROOT = Path(__file__).parent.parent
PHOTOGRAPH = ROOT / "examples" / "mountains.jpg"
DOGS = ROOT / "examples" / "dogs.jpg"
PALACE = ROOT / "examples" / "palace.jpg"
TEMPLE = ROOT / "examples" / "temple.jpg"
ASTRONAUT = ROOT / "examples" / "astronaut.jpg"
MASK = ROOT / "examples" / "astronaut-mask.png"
PICTURES = ROOT / "docs" / "pictures"
GUIDED: Final[dict[str, Any]] = {"layers": "mixed3,mixed4,mixed5"}
"""What its guided dreams begin with."""


def main() -> None:
    """Write all pictures."""
    PICTURES.mkdir(exist_ok=True)
    model = engine.load_model()
    photograph = opened(PHOTOGRAPH)
    dreamed = engine.dream(photograph, model=model).image  # the README's first command
    save(side_by_side([photograph, dreamed], 600), "before-after.jpg")
    guided = [engine.dream(photograph, guide=x, model=model, **GUIDED).image for x in (DOGS, PALACE)]
    save(side_by_side(guided, 600), "guided.jpg")
    masked = engine.dream(ASTRONAUT, mask=MASK, preset="gaze", model=model).image
    save(side_by_side([opened(ASTRONAUT), opened(MASK), masked], 400), "masked.jpg")

    save(looks(model), "looks.jpg")

    save(engine.gallery(photograph, model=model).image, "gallery-sheet.jpg")
    save(engine.gallery(DOGS, channels="mixed4", model=model).image, "gallery-channels.jpg")


def looks(model: engine.DreamModel) -> Image.Image:
    """Show what the presets make of one picture, the tutorial's aside."""
    temple = photograph(TEMPLE, 448)
    names = [x for x in engine.PRESETS if x not in {"keras", "flight"}]
    dreams = [engine.dream(temple, preset=name, model=model).pixels for name in names]
    cells = [Cell("the picture", np.asarray(temple)), *map(Cell, names, dreams)]
    page = Image.fromarray(compose(cells))
    page.thumbnail((1400, 1400), Image.Resampling.LANCZOS)
    return page


def opened(path: Path) -> Image.Image:
    """Read a picture as RGB."""
    with Image.open(path) as file:
        return file.convert("RGB")


def photograph(path: Path, longest: int) -> Image.Image:
    """Read a picture at the size that it is dreamed at; `longest` is its longer side, in pixels."""
    image = opened(path)
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return image


def side_by_side(images: list[Image.Image], width: int) -> Image.Image:
    """Put pictures of one shape next to each other, each `width` pixels wide."""
    height = round(images[0].height * width / images[0].width)
    return sheet([image.resize((width, height), Image.Resampling.LANCZOS) for image in images], len(images))


def sheet(images: list[Image.Image], columns: int) -> Image.Image:
    """Arrange pictures of one size in rows."""
    width, height = images[0].size
    rows = -(-len(images) // columns)
    page = Image.new("RGB", (columns * width, rows * height), "white")
    for i, image in enumerate(images):
        page.paste(image, (i % columns * width, i // columns * height))
    return page


def save(image: Image.Image, name: str) -> None:
    """Write a JPEG for the web."""
    image.save(PICTURES / name, quality=85)


if __name__ == "__main__":
    main()
