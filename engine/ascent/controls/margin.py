"""Margin: the picture is computed with its own reflection around it, so that it dreams up to its edge.

The loss leaves out a border, and forms of deep layers are a hundred pixels wide: without a margin each octave
has an empty frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engine.ascent.controls.control import Control

if TYPE_CHECKING:
    from engine.ascent.ascent import Gradient, Image


def reflected(gradient: Gradient, margin: int) -> Gradient:
    """Reflect `margin` pixels at each edge for the gradient, and bring theirs back to what they show.

    The edge itself is not doubled.  A side that is not longer than the margin is reflected as far as it goes.
    The result is the derivative of the larger picture's loss by the pixels of the picture.
    """

    def around(image: Image) -> tuple[float, Image]:
        wide = tuple(min(margin, side - 1) for side in image.shape[:2])
        loss, slope = gradient(np.pad(image, [*((x, x) for x in wide), (0, 0)], mode="reflect"))
        for axis, width in enumerate(wide):
            slope = np.moveaxis(_folded(np.moveaxis(slope, axis, 0), width), 0, axis)
        return loss, np.ascontiguousarray(slope)

    return around


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
    wrap=lambda gradient, config, _: reflected(gradient, config.margin),
    bytes_per_pixel=12,  # the picture with its margin
    bytes_after=12,  # the gradient that is cut out of it
)
