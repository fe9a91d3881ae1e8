"""Guided dreaming: steer toward what another picture excites.

The guide's channel profile scales the objective: channels that it excites more than the picture itself does
count more, the others less.  The best match position by position of google/deepdream's notebook needs the
gradient of another objective than the model file has, so it is not offered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from engine.pixels import to_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.decode import Picture
    from engine.model import DreamModel

PIXELS: Final = 300_000
"""Size that a larger guide is brought to, so that what it shows is about as large as what a dream grows."""


def profile_of(model: DreamModel, guide: Picture) -> NDArray[np.float32]:
    """Return the factors that a guide gives the channels of an objective, [C].

    Within each layer the factors have the mean 1, so that layers keep their shares.  Raises ImageError for a
    guide that is too small for the model.
    """
    shape = scaled_shape(guide.shape, model.metadata.min_size)
    pixels = guide.pixels
    if shape != guide.shape:
        small = Image.fromarray(pixels).resize(shape[::-1], Image.Resampling.LANCZOS)
        pixels = np.asarray(small)
    profile = model.energies(to_model(pixels, model.metadata.value_range))
    factors = np.ones_like(profile)
    start = 0
    for layer in model.metadata.layers:
        places = slice(start, start + layer.channels)
        factors[places] = profile[places] / max(
            float(profile[places].mean()), float(np.finfo(np.float32).tiny)
        )
        start += layer.channels
    return factors


def scaled_shape(shape: tuple[int, int], smallest: int) -> tuple[int, int]:
    """Return (height, width) of at most `PIXELS`, about, but with no side below `smallest` if that can be."""
    height, width = shape
    share = min(max((PIXELS / (height * width)) ** 0.5, smallest / min(shape)), 1.0)
    return round(height * share), round(width * share)
