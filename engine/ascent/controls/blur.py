"""Blur: each step is blurred a little, against the dots that pooling layers like.

A dot in every window of a pooling layer excites it everywhere at once, so that calm areas grow a lattice of
dots a few pixels apart.  Moving the picture at random does not help, since a lattice that is moved is a
lattice.  Blurred gradients are a known remedy: Hvass Pedersen's DeepDream (TensorFlow Tutorials, 2016) has
them, with wider blurs than are needed here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.ascent.controls.control import Control
from engine.pictures.rows import bands
from engine.stop import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.ascent.ascent import Gradient, Image
    from engine.stop import Stop


def blurred(gradient: Gradient, deviation: float, stop: Stop = NEVER) -> Gradient:
    """Blur a gradient with a Gaussian of this standard deviation, in pixels; its mean stays."""

    def soft(image: Image) -> tuple[float, Image]:
        loss, slope = gradient(image)
        result = np.empty_like(slope)
        for rows in bands(slope.shape, stop):
            result[rows] = _along(_along(slope, deviation, 0, rows), deviation, 1)
        return loss, result

    return soft


def gaussian(deviation: float, reach: int) -> NDArray[np.float32]:
    """Return a Gaussian's weights from its middle to `reach` pixels outwards; both sides sum to 1."""
    weights = np.exp(-0.5 * (np.arange(reach + 1) / max(deviation, 0.01)) ** 2)
    weights /= weights[0] + 2 * weights[1:].sum()
    return weights.astype(np.float32)


def _along(slope: Image, deviation: float, axis: int, wanted: slice = slice(None)) -> Image:
    """Blur along axis 0 or 1, and return what is wanted of it there.

    What lies beyond an edge is its mirror image, the edge itself included.
    """
    length = slope.shape[axis]
    start, stop, _ = wanted.indices(length)
    reach = min(math.ceil(3 * deviation), length)
    kernel = gaussian(deviation, reach)
    places = np.arange(start - reach, stop + reach)
    places = np.where(places < 0, -1 - places, places)
    wide = slope.take(np.where(places >= length, 2 * length - 1 - places, places), axis)

    def moved(distance: int) -> Image:
        part = slice(reach + distance, reach + distance + stop - start)
        return wide[part] if axis == 0 else wide[:, part]

    result: Image = moved(0) * kernel[0]
    pair = np.empty_like(result)
    for distance in range(1, reach + 1):
        np.add(moved(-distance), moved(distance), out=pair)
        pair *= kernel[distance]
        result += pair
    return result


CONTROL: Final = Control(
    wanted=lambda config: config.blur > 0,
    wrap=lambda gradient, config, stop: blurred(gradient, config.blur, stop),
    bytes_after=12,  # the result
)
