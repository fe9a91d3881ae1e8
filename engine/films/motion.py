"""Moves a camera over a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray


def moved(image: NDArray[np.float32], factor: float, degrees: float) -> NDArray[np.float32]:
    """Return an image [H, W, 3] enlarged by `factor` and turned clockwise about its centre; the shape stays.

    Values are not rounded.  Places outside the image mirror its inside.  Resampling uses a Lanczos kernel,
    or, with a turn, a cubic kernel, the best that Pillow has for that.
    """
    height, width = image.shape[:2]
    margin = _margin(width, height, factor, degrees)
    padded = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), "reflect") if margin else image
    centre = (width / 2 + margin, height / 2 + margin)
    shown = np.empty_like(image)
    for channel in range(3):
        plane = Image.fromarray(np.ascontiguousarray(padded[..., channel]))
        shown[..., channel] = np.asarray(_seen(plane, (width, height), centre, factor, degrees))
    return shown


def _seen(
    plane: Image.Image, size: tuple[int, int], centre: tuple[float, float], factor: float, degrees: float
) -> Image.Image:
    width, height = size
    x, y = centre
    if degrees == 0:
        across, down = width / factor / 2, height / factor / 2
        return plane.resize(size, Image.Resampling.LANCZOS, (x - across, y - down, x + across, y + down))
    cos, sin = math.cos(math.radians(degrees)) / factor, math.sin(math.radians(degrees)) / factor
    # Pillow needs the map from places in the new picture to places in the old one.
    places = (
        *(cos, sin, x - cos * width / 2 - sin * height / 2),
        *(-sin, cos, y + sin * width / 2 - cos * height / 2),
    )
    return plane.transform(size, Image.Transform.AFFINE, places, Image.Resampling.BICUBIC)


def _margin(width: int, height: int, factor: float, degrees: float) -> int:
    """Return the margin in pixels: what is visible outside the picture, and what the kernel needs."""
    cos, sin = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    across = (width * cos + height * sin) / factor - width
    down = (width * sin + height * cos) / factor - height
    beyond = max(across, down) / 2
    return 0 if beyond <= -3 else min(math.ceil(beyond) + 3, min(width, height) - 1)
