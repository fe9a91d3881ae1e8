"""Copies of a picture small enough to show many versions of it."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageCms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.pictures.picture import Picture


LEAST: Final = 160
"""Shorter side of a small copy where possible: below 107 pixels a deep layer sees nothing."""


def thumbnail(picture: Picture, side: int, least: int = LEAST) -> NDArray[np.uint8]:
    """Return a small copy on white, with at most as many pixels as a square of `side`; sRGB [h, w, 3].

    A picture that is smaller stays as it is.  A long one gets up to four times as many pixels, so that its
    shorter side has `least`.
    """
    height, width = picture.shape
    even = side / math.sqrt(height * width)
    scale = min(max(even, min(least / min(height, width), 2 * even)), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    image = picture.to_pil()
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.asarray(_on_paper(to_srgb(image, picture.icc)))


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert an image to sRGB by its colour profile; one that is not usable is ignored."""
    if profile is None:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError):
        return image
    return converted or image


def _on_paper(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image)
    return paper.convert("RGB")
