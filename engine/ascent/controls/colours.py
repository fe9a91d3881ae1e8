"""Kept colours: the dream changes lightness only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.ascent.controls.control import Control
from engine.pictures.rows import bands
from engine.stop import NEVER

if TYPE_CHECKING:
    from engine.ascent.ascent import Gradient, Image
    from engine.stop import Stop


def colourless(gradient: Gradient, stop: Stop = NEVER) -> Gradient:
    """Change red, green and blue alike: by the mean of what each would be changed by."""

    def grey(image: Image) -> tuple[float, Image]:
        loss, slope = gradient(image)
        for rows in bands(slope.shape, stop):
            slope[rows] = slope[rows].mean(axis=2, keepdims=True)
        return loss, slope

    return grey


CONTROL: Final = Control(
    wanted=lambda config: config.keep_colours,
    wrap=lambda gradient, _, stop: colourless(gradient, stop),
)
