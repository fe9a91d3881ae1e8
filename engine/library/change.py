"""What a dream changes, put into a picture of any depth and colour space.

The network saw sRGB from 0 to 1.  A picture can hold more than that: finer steps, wider colours, highlights.
So the result is not what the network dreamed but the picture plus the change; where nothing changed, it is
the picture, bit for bit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.pictures.colour import space_of
from engine.pictures.pixels import DTYPES, at_depth, from_model, unit_of, white

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.ascent.step import Step
    from engine.pictures.picture import Picture
    from engine.pictures.pixels import Values

STILL: Final = np.float32(4e-6)
"""Change, as a share of black to white, that counts as none where values are rounded: less than half a step
of 16 bits, more than float32 loses on its way through the octaves."""


def changed(
    source: Picture,
    step: Step,
    value_range: tuple[float, float],
    depth: str,
    dither: int | None = None,
) -> Picture:
    """Return the source as far as it has dreamed, with everything else that it holds, at a depth of `DTYPES`.

    Values are rounded once.  `dither` is the seed of noise that is added to changed values before that; None
    for no noise.
    """
    dtype = DTYPES[depth]
    space = space_of(source.icc)
    plain = source.pixels.dtype == dtype == np.uint8 and space is None and dither is None
    noise = None if dither is None or dtype == np.float32 else np.random.default_rng(dither)
    pixels: Values = np.empty(source.pixels.shape, dtype)
    for rows, image in step.bands():
        if plain:  # the network saw everything there is
            pixels[rows] = from_model(image, value_range)
            continue
        before, after = unit_of(step.original[rows], value_range), unit_of(image, value_range)
        change = after - before
        still = abs(change) <= (STILL if dtype != np.float32 else 0)
        if space is not None:
            change = space.from_srgb(after) - space.from_srgb(before)
            still = np.repeat(still.all(axis=-1, keepdims=True), 3, axis=-1)
        pixels[rows] = _added(source.pixels[rows], change, still, dtype, noise)
    pixels.flags.writeable = False
    alpha = None if source.alpha is None else at_depth(source.alpha, dtype)
    return replace(source, pixels=pixels, alpha=alpha)


# A float file may hold anything: what is no number becomes black where the result holds whole numbers.
@np.errstate(invalid="ignore", over="ignore")
def _added(
    colours: Values,
    change: NDArray[np.float32],
    still: NDArray[np.bool_],
    dtype: np.dtype[Any],
    noise: np.random.Generator | None,
) -> Values:
    """Return colours plus their change, as another type; where nothing changed, the colours themselves."""
    if dtype == np.float32:
        own = at_depth(colours, dtype)
        # What lies outside 0..1 stays there; the dream itself adds nothing outside.
        sums = np.clip(own + change, np.minimum(own, 0), np.maximum(own, 1))
        return np.where(still, own, sums)
    own = (
        at_depth(colours, np.dtype(np.float32)).astype(np.float64) if colours.dtype == np.float32 else colours
    )
    levels = own * (white(dtype) / white(colours.dtype)) + change * np.float64(white(dtype))
    if noise is not None:
        # The difference of two dice: its mean and spread do not depend on the value that is rounded.
        levels += noise.random(levels.shape, np.float32) - noise.random(levels.shape, np.float32)
    rounded: Values = np.rint(np.nan_to_num(levels).clip(0, white(dtype))).astype(dtype)
    if white(dtype) < white(colours.dtype) or colours.dtype == np.float32:
        return rounded
    return np.where(still, at_depth(colours, dtype), rounded)
