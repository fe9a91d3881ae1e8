"""Guided dreaming: steer a picture toward what another one shows.

Channels that the guide excites more than the picture itself does count more, the others less: windows grow
where the guide is a palace, fur where it is a dog.  The best match position by position of
google/deepdream's notebook needs the gradient of another objective than the model file has, so it is not
offered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engine.ascent.octaves import resize
from engine.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from engine.network.model import DreamModel
    from engine.pictures.rows import Rows

PIXELS: Final = 300_000
"""Size that larger pictures are brought to, so that what they show is about as large as what a dream
grows."""

DOUBT: Final = 0.3
"""Added to what the picture excites, in means of a layer: a channel that it hardly knows is no reason by
itself."""


def energies_of(model: DreamModel, picture: Rows, layers: Collection[str]) -> NDArray[np.float32]:
    """Return how much a picture, [H, W, 3] in the model's range, excites each channel of `layers`, [C].

    Those of other layers are 0.  Raises ImageError for one that is too small for the model.
    """
    height, width = picture.shape[:2]
    smallest = model.metadata.min_size
    if min(height, width) < smallest:
        raise ImageError(
            f"a picture of {width}x{height} pixels is too small to guide or be guided: "
            f"both sides must have at least {smallest}"
        )
    shape = scaled_shape((height, width), smallest)
    return model.energies(resize(_averaged(picture, height // shape[0]), shape), layers)


def steered(
    model: DreamModel, weights: NDArray[np.float32], guide: NDArray[np.float32], own: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return channel weights, [C], steered from what a picture excites toward what its guide does.

    Both energies count relative to their layer's mean.  The factors are squares, with the mean 1 in each
    layer, so that layers keep their shares.
    """
    factors = np.ones_like(weights)
    for places in model.places().values():
        there, here = (x[places] / max(float(x[places].mean()), 1e-12) for x in (guide, own))
        ratio = np.square(there / (here + DOUBT))
        factors[places] = ratio / max(float(ratio.mean()), 1e-12)
    return weights * factors


def scaled_shape(shape: tuple[int, int], smallest: int) -> tuple[int, int]:
    """Return (height, width) of at most `PIXELS`, about, but with no side below `smallest` if that can be."""
    height, width = shape
    share = min(max((PIXELS / (height * width)) ** 0.5, smallest / min(shape)), 1.0)
    return round(height * share), round(width * share)


def _averaged(picture: Rows, factor: int) -> Rows:
    """Make a picture smaller by a whole number, so that fine texture does not turn into coarse noise."""
    if factor < 2:
        return picture
    height, width = picture.shape[0] // factor, picture.shape[1] // factor
    small = np.empty((height, width, 3), np.float32)
    for row in range(height):
        band = picture[slice(row * factor, (row + 1) * factor)][:, : width * factor]
        small[row] = band.reshape(factor, width, factor, 3).mean(axis=(0, 2))
    return small
