"""Damaged pictures of every format that is read, some under a wrong name."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from random import Random

import numpy as np
from PIL import Image

from tests.fuzz.case import Case, dream, pixels
from tests.fuzz.mutate import damaged

FORMS: tuple[tuple[str, str, str, dict[str, object]], ...] = (
    # Suffix, Pillow's name, mode, how it is saved.
    (".png", "PNG", "RGB", {}),
    (".png", "PNG", "RGBA", {}),
    (".png", "PNG", "P", {"bits": 4}),
    (".png", "PNG", "I;16", {}),
    (".png", "PNG", "1", {}),
    (".jpg", "JPEG", "RGB", {}),
    (".jpg", "JPEG", "RGB", {"progressive": True}),
    (".jpg", "JPEG", "L", {}),
    (".jpg", "JPEG", "CMYK", {}),
    (".gif", "GIF", "P", {}),
    (".webp", "WEBP", "RGBA", {}),
    (".webp", "WEBP", "RGB", {"lossless": True}),
    (".avif", "AVIF", "RGB", {}),
    (".bmp", "BMP", "RGB", {}),
    (".bmp", "BMP", "P", {}),
    (".tif", "TIFF", "RGB", {}),
    (".tif", "TIFF", "RGB", {"compression": "tiff_lzw"}),
    (".tif", "TIFF", "RGBA", {"compression": "tiff_adobe_deflate"}),
    (".tif", "TIFF", "L", {"compression": "jpeg"}),
    (".tif", "TIFF", "1", {"compression": "group4"}),
    (".tif", "TIFF", "F", {}),
    (".tif", "TIFF", "I;16", {}),
    (".ppm", "PPM", "RGB", {}),
    (".tga", "TGA", "RGB", {"compression": "tga_rle"}),
    (".ico", "ICO", "RGBA", {}),
    (".jp2", "JPEG2000", "RGB", {}),
    (".eps", "EPS", "RGB", {}),
    (".pcx", "PCX", "RGB", {}),
    (".heic", "HEIF", "RGB", {}),
    (".jxl", "JXL", "RGB", {}),
)


def make(random: Random) -> Case:
    """Return a dream on a damaged picture."""
    number = random.randrange(len(FORMS))
    suffix, form, mode, _ = FORMS[number]
    content, what = damaged(random, encoded(number))
    if random.random() < 0.1:
        suffix = random.choice([x for x, *_ in FORMS])
    name = "photo" + suffix
    return Case(f"{form} {mode}: {what}", dream(name), frozenset({3}), {name: content}, result="out.png")


@cache
def encoded(number: int) -> bytes:
    """Return a sound picture in one of `FORMS`; PNG where its plug-in is not installed."""
    _, form, mode, options = FORMS[number]
    _register(form)
    buffer = BytesIO()
    image = _image(mode)
    try:
        image.save(buffer, form, **options)
    except (KeyError, OSError):
        image.save(buffer, "PNG")
    return buffer.getvalue()


def _image(mode: str) -> Image.Image:
    colours = pixels(18, 26)
    if mode == "I;16":
        return Image.fromarray(colours[..., 0].astype(np.uint16) * 257)
    if mode == "F":
        return Image.fromarray(colours[..., 0].astype(np.float32) / 255)
    return Image.fromarray(colours).convert(mode)


def _register(form: str) -> None:
    try:
        if form == "HEIF":
            import pillow_heif

            pillow_heif.register_heif_opener()
        elif form == "JXL":
            import pillow_jxl  # noqa: F401
    except ImportError:
        pass
