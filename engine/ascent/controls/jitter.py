"""Jitter: the picture is moved at random before each gradient, as in google/deepdream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engine.ascent.controls.control import Control
from engine.pictures.rows import COPIED, bands
from engine.stop import NEVER

if TYPE_CHECKING:
    from engine.ascent.ascent import Gradient, Image
    from engine.stop import Stop


def jittered(gradient: Gradient, reach: int, seed: int, stop: Stop = NEVER) -> Gradient:
    """Move the picture by up to `reach` pixels before each gradient, at random, and the gradient back.

    What leaves at one edge comes in at the other.
    """
    random = np.random.default_rng(seed)

    def moved(image: Image) -> tuple[float, Image]:
        down, across = (int(x) for x in random.integers(-reach, reach + 1, 2))
        loss, slope = gradient(_rolled(image, down, across, stop))
        return loss, _rolled(slope, -down, -across, stop)

    return moved


def _rolled(image: Image, down: int, across: int, stop: Stop) -> Image:
    """Return `np.roll` of both axes, made band by band."""
    height, width = image.shape[:2]
    down, across = down % height, across % width
    rolled = np.empty_like(image)
    for come, gone in ((rolled[down:], image[: height - down]), (rolled[:down], image[height - down :])):
        for rows in bands(come.shape, stop, COPIED):
            come[rows, across:], come[rows, :across] = (
                gone[rows, : width - across],
                gone[rows, width - across :],
            )
    return rolled


CONTROL: Final = Control(
    wanted=lambda config: config.jitter > 0,
    wrap=lambda gradient, config, stop: jittered(gradient, config.jitter, config.seed, stop),
    bytes_per_pixel=12,  # the moved picture
    bytes_after=12,  # the gradient that is moved back
)
