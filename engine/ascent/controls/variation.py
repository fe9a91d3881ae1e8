"""Total variation: a pull against noise.

One of the usual priors of feature visualisation (Mahendran and Vedaldi, 2015).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engine.ascent.controls.control import Control

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.ascent.ascent import Image

FLAT: Final = 1e-3
"""Difference between neighbours, in the model's range, below which total variation does not pull at them."""


def smoothing(image: Image, rows: slice) -> Image:
    """Return these rows of the descent of an image's total variation, per value -4 to 4, [h, W, 3].

    Of |x - y| over neighbours, made smooth around 0 so that flat areas come to rest.
    """
    band = image[max(rows.start - 1, 0) : rows.stop + 1]
    above, below = rows.start > 0, rows.stop < image.shape[0]
    inner = band[int(above) : band.shape[0] - int(below)]
    descent = np.zeros_like(inner)
    steps = _sign(np.diff(inner, axis=1))
    descent[:, :-1] += steps
    descent[:, 1:] -= steps
    steps = _sign(np.diff(band, axis=0))
    descent[int(not above) :] -= steps[: inner.shape[0] - int(not above)]
    downward = steps[int(above) :]
    descent[: downward.shape[0]] += downward
    return descent


def _sign(difference: NDArray[np.float32]) -> NDArray[np.float32]:
    signs: NDArray[np.float32] = difference / np.sqrt(difference * difference + np.float32(FLAT**2))
    return signs


CONTROL: Final = Control(
    wanted=lambda config: config.total_variation > 0,
    pull=lambda image, _, rows, config: smoothing(image, rows) * np.float32(config.total_variation),
)
