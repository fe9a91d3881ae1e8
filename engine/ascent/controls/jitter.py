"""Jitter: the picture is moved at random before each gradient, as in google/deepdream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engine.ascent.controls.control import Control

if TYPE_CHECKING:
    from engine.ascent.ascent import Gradient, Image


def jittered(gradient: Gradient, reach: int, seed: int) -> Gradient:
    """Move the picture by up to `reach` pixels before each gradient, at random, and the gradient back.

    What leaves at one edge comes in at the other.
    """
    random = np.random.default_rng(seed)

    def moved(image: Image) -> tuple[float, Image]:
        down, across = (int(x) for x in random.integers(-reach, reach + 1, 2))
        loss, slope = gradient(np.roll(image, (down, across), (0, 1)))
        return loss, np.roll(slope, (-down, -across), (0, 1))

    return moved


CONTROL: Final = Control(
    wanted=lambda config: config.jitter > 0,
    wrap=lambda gradient, config, _: jittered(gradient, config.jitter, config.seed),
    bytes_per_pixel=12,  # the moved picture
    bytes_after=12,  # the gradient that is moved back
)
