"""Make the pictures of the README from examples/: python docs/make_pictures.py.

About two minutes on two cores.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

import engine

ROOT = Path(__file__).parent.parent
PHOTOGRAPH = ROOT / "examples" / "mountains.jpg"
CHANNELS_OF = ROOT / "examples" / "dogs.jpg"
PICTURES = ROOT / "docs" / "pictures"
FIRST_DREAM = "mixed3=1,mixed4=1"
"""The layers of the README's first command."""


def main() -> None:
    """Write all pictures."""
    PICTURES.mkdir(exist_ok=True)
    model = engine.load_model()
    with Image.open(PHOTOGRAPH) as file:
        photograph = file.convert("RGB")
    dreamed = engine.dream(photograph, layers=FIRST_DREAM, model=model).image
    save(side_by_side([photograph, dreamed], 600), "before-after.jpg")

    save(engine.gallery(photograph, model=model).image, "gallery-sheet.jpg")
    save(engine.gallery(CHANNELS_OF, channels="mixed4", model=model).image, "gallery-channels.jpg")


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
