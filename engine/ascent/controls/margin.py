"""Margin: the picture is computed with its own reflection around it, so that it dreams up to its edge.

The loss leaves out a border, and forms of deep layers are a hundred pixels wide: without a margin each octave
has an empty frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engine.ascent.controls.control import Control
from engine.pictures.rows import COPIED, bands, joined
from engine.stop import NEVER

if TYPE_CHECKING:
    from engine.ascent.ascent import Gradient, Image
    from engine.stop import Stop


def reflected(gradient: Gradient, margin: int, stop: Stop = NEVER) -> Gradient:
    """Reflect `margin` pixels at each edge for the gradient, and bring theirs back to what they show.

    The edge itself is not doubled.  A side that is not longer than the margin is reflected as far as it goes.
    The result is the derivative of the larger picture's loss by the pixels of the picture.
    """

    def around(image: Image) -> tuple[float, Image]:
        down, across = (min(margin, side - 1) for side in image.shape[:2])
        loss, slope = gradient(_padded(image, down, across, stop))
        for axis, width in enumerate((down, across)):
            slope = np.moveaxis(_folded(np.moveaxis(slope, axis, 0), width), 0, axis)
        parts = ((rows, slope[rows]) for rows in bands(slope.shape, pixels=COPIED))
        return loss, joined(parts, slope.shape, stop)

    return around


def _padded(image: Image, down: int, across: int, stop: Stop) -> Image:
    """Return `np.pad` with reflections at both axes, made band by band."""
    height, width, depth = image.shape
    padded = np.empty((height + 2 * down, width + 2 * across, depth), image.dtype)
    for rows in bands(image.shape, stop, COPIED):
        padded[down : down + height][rows, across : across + width] = image[rows]
    within = padded[down : down + height]
    within[:, :across] = within[:, 2 * across : across : -1]
    within[:, across + width :] = within[:, across + width - 2 : width - 2 : -1]
    padded[:down] = padded[2 * down : down : -1]
    padded[down + height :] = padded[down + height - 2 : height - 2 : -1]
    return padded


def _folded(slope: Image, width: int) -> Image:
    """Add the first and last `width` rows, mirrored, to the rows that they reflect, and cut them off.

    This is the adjoint of NumPy's `reflect`.  It changes `slope`.
    """
    if width == 0:
        return slope
    slope[width + 1 : 2 * width + 1] += slope[:width][::-1]
    slope[-2 * width - 1 : -width - 1] += slope[-width:][::-1]
    return slope[width:-width]


CONTROL: Final = Control(
    wanted=lambda config: config.margin > 0,
    wrap=lambda gradient, config, stop: reflected(gradient, config.margin, stop),
    bytes_per_pixel=12,  # the picture with its margin
    bytes_after=12,  # the gradient that is cut out of it
)
