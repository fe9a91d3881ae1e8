"""Make the pictures of looks in GIMP's dialog: python -m tests.gimp_plugin.make_looks.

They are cut out of the gallery's sheets, so run docs/make_gallery.py before.
"""

from __future__ import annotations

from PIL import Image

from engine.settings import presets

from .conftest import PLUGIN, REPOSITORY

SHEETS = REPOSITORY / "docs" / "pictures" / "gallery"
LOOKS = PLUGIN / "gimp3" / "deepdream" / "looks"

PART = (292, 41, 603, 274)
"""Left, top, right and bottom of what is shown: sky, rocks and grass of the mountains, each in a sheet's
pixels."""

SIZE = (144, 108)
"""In pixels: sharp where a screen shows one and a half for each of GTK's."""


def main() -> None:
    """Write a picture for each look."""
    LOOKS.mkdir(exist_ok=True)
    for name in presets.built_in():
        picture(name).save(LOOKS / f"{name}.jpg", quality=82, optimize=True)


def picture(name: str) -> Image.Image:
    """Return the picture for a look."""
    with Image.open(SHEETS / f"{name}.jpg") as sheet:
        return sheet.crop(PART).resize(SIZE, Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
