"""A mask's part in the gradient: nothing is changed where it shows nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.ascent.octaves import resize
from engine.pictures.rows import bands
from engine.stop import NEVER

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.ascent.ascent import Gradient, Image
    from engine.pictures.rows import Rows
    from engine.stop import Stop

BYTES_PER_PIXEL: Final = 9
"""What a mask takes: 8 bits as it came, and float32 at the octave's size for gradient and pull."""


def masked(gradient: Gradient, mask: Rows, stop: Stop = NEVER) -> Gradient:
    """Leave out of a gradient what the mask [H, W, 1], 0 to 1, does not show at the image's size."""
    held: list[NDArray[np.float32]] = []

    def inside(image: Image) -> tuple[float, Image]:
        loss, slope = gradient(image)
        shape = (image.shape[0], image.shape[1])
        if not held or held[0].shape[:2] != shape:
            held[:] = [resize(mask, shape, stop)]
        for rows in bands(shape, stop):
            slope[rows] *= held[0][rows]
        return loss, slope

    return inside
