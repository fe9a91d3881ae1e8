"""The ladder of sizes, and how a picture gets from one to the next.

Pure functions, after Keras' DeepDream example: shapes, interpolation and rounding are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Ladder:
    """The octaves of a picture."""

    shapes: tuple[tuple[int, int], ...]
    """(height, width) of each octave in pixels, smallest first; the last is the picture's own."""

    dropped: tuple[tuple[int, int], ...]
    """Shapes below these that are too small for the model, smallest first."""


def ladder(shape: tuple[int, int], octaves: int, scale: float, min_size: int = 1) -> Ladder:
    """Divide `shape` by `scale` again and again; drop shapes with a side below `min_size`.

    A `shape` that is too small itself leaves no octave at all.
    """
    height, width = shape
    shapes = [(int(height / scale**i), int(width / scale**i)) for i in reversed(range(octaves))]
    large = tuple(x for x in shapes if min(x) >= max(min_size, 1))
    return Ladder(large, tuple(shapes[: len(shapes) - len(large)]))


def resize(picture: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Interpolate float32 [H, W, C] linearly to `shape`, corner pixels on corner pixels.

    The Keras example calls `scipy.ndimage.zoom(picture, (h / H, w / W, 1), order=1)`.  This is the same bit
    for bit, with two differences.  Rounding puts the last row or column of some sizes (one side in twelve)
    just outside the picture, where SciPy finds nothing and leaves a grey line: `nearest` gives it the
    border's values.  And it goes channel by channel, which spares interpolation between channels and so half
    of the time.  Returns `picture` itself where nothing changes.
    """
    from scipy import ndimage  # noqa: PLC0415 - 0.15 s, not needed to refuse a picture

    height, width, channels = picture.shape
    if (height, width) == shape:
        return picture
    factors = (shape[0] / height, shape[1] / width)
    resized = np.empty((*shape, channels), np.float32)
    for channel in range(channels):
        ndimage.zoom(picture[..., channel], factors, output=resized[..., channel], order=1, mode="nearest")
    return resized


def lost_detail(
    original: NDArray[np.float32], smaller: NDArray[np.float32], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Return what `original` shows at `shape` and the enlarged `smaller` does not, float32 [h, w, C]."""
    return resize(original, shape) - resize(smaller, shape)
