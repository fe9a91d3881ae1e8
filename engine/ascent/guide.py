"""Guided dreaming: steer a picture toward what another one shows.

Channels that the guide excites more than the picture does count more, and the others less: windows grow where
the guide is a palace, fur where it is a dog.  Place by place, each place of the picture is steered toward the
place of the guide that it resembles most, as in google/deepdream's notebook, but in those channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engine.ascent.octaves import resize
from engine.errors import ImageError
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from engine.network.model import DreamModel
    from engine.network.targets import Targets
    from engine.pictures.rows import Rows
    from engine.stop import Stop

PIXELS: Final = 300_000
"""Pixels that larger pictures are reduced to, so that what they show is about as large as what a dream
grows."""

MOST_PLACES: Final = 1024
"""Places of the guide that a layer's are compared with, at most: evenly spread ones, where it has more."""

DOUBT: Final = 0.3
"""Added to what the picture excites, in means of a layer: it is not enough that the picture hardly excites a
channel."""


def energies_of(
    model: DreamModel,
    picture: Rows,
    layers: Collection[str],
    *,
    guided: bool = False,
    stop: Stop = NEVER,
) -> NDArray[np.float32]:
    """Return how much a picture, [H, W, 3] in the model's range, excites each channel of `layers`, [C].

    Those of other layers are 0.  `guided` says that the dream will have targets.
    Raises ImageError for one that is too small for the model.
    """
    return model.energies(_reduced(model, picture), layers, guided=guided, stop=stop)


def places_of(model: DreamModel, picture: Rows, layers: Collection[str]) -> Targets:
    """Return what each of `layers` makes of the places of a guide, [H, W, 3] in the model's range, [M, C].

    Raises ImageError for a guide that is too small, UsageError for a model that cannot use the places.
    """
    found = model.activations(_reduced(model, picture), layers)
    return {name: x[:: -(-len(x) // MOST_PLACES) or 1] for name, x in found.items()}


def aimed(model: DreamModel, weights: NDArray[np.float32], places: Targets) -> Targets:
    """Return the vectors to steer toward: those of a guide's places, in the channels that have weights.

    `weights`, [C], are what `steered` returns.  Layers in which the guide has no place are left out.
    """
    return {
        name: places[name] * weights[channels]
        for name, channels in model.places().items()
        if name in places and len(places[name])
    }


def bytes_per_pixel(model: DreamModel, places: Targets) -> int:
    """Return what the comparison with a guide's places takes, in bytes per pixel that is computed at once."""
    return sum(
        4 * (len(places[x.name]) + 3 * x.channels) // x.stride**2
        for x in model.metadata.layers
        if x.name in places
    )


def _reduced(model: DreamModel, picture: Rows) -> NDArray[np.float32]:
    """Return a picture at the size at which it is looked at; raise ImageError for one that is too small."""
    height, width = picture.shape[:2]
    smallest = model.metadata.min_size
    if min(height, width) < smallest:
        raise ImageError(
            f"a picture of {width}x{height} pixels is too small to guide or be guided: "
            f"both sides must have at least {smallest}"
        )
    shape = scaled_shape((height, width), smallest)
    return resize(_averaged(picture, height // shape[0]), shape)


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
    """Return (height, width) of about `PIXELS` at most, but with no side below `smallest` if possible."""
    height, width = shape
    share = min(max((PIXELS / (height * width)) ** 0.5, smallest / min(shape)), 1.0)
    return round(height * share), round(width * share)


def _averaged(picture: Rows, factor: int) -> Rows:
    """Reduce a picture by a whole number, so that fine texture does not turn into coarse noise."""
    if factor < 2:
        return picture
    height, width = picture.shape[0] // factor, picture.shape[1] // factor
    small = np.empty((height, width, 3), np.float32)
    for row in range(height):
        band = picture[slice(row * factor, (row + 1) * factor)][:, : width * factor]
        small[row] = band.reshape(factor, width, factor, 3).mean(axis=(0, 2))
    return small
