"""Rank the channels of a model by how much a picture excites them, compared with any other picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.errors import ImageError, UsageError
from engine.galleries.thumbnails import thumbnail
from engine.library.sources import open_model, read
from engine.pictures.pixels import to_model
from engine.settings.given import wrong
from engine.settings.selectors import suggest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from engine.library.sources import ModelSource, Source
    from engine.network.model import DreamModel

SIDE: Final = 448
"""Side of a square with as many pixels as are looked at, at most: larger pictures are made smaller first."""

NOISES: Final = 3
"""How many pictures of noise a picture is compared with."""


@dataclass(frozen=True)
class RankedChannel:
    """How much a picture excites one channel."""

    layer: str
    """The layer's name."""

    channel: int
    """Which of the layer's channels, from 0."""

    share: float
    """The channel's energy, in means of its layer's: 1 for a channel as strong as the others."""

    score: float
    """How much of that is due to the picture itself: `share` divided by one plus the share that noise with
    the same colours and spectrum gets."""

    @property
    def selector(self) -> str:
        """The channel as `--layers` takes it, such as `mixed3:87`."""
        return f"{self.layer}:{self.channel}"


def rank_channels(
    picture: Source,
    *,
    layers: Sequence[str] | None = None,
    count: int = 10,
    model: ModelSource = None,
    device: str = "auto",
    threads: int | None = None,
) -> dict[str, tuple[RankedChannel, ...]]:
    """Return, by layer, the `count` channels that a picture excites most, the highest score first.

    Some channels are strong in every picture.  So the picture is compared with noise that has the same
    colours and the same spectrum but shows nothing: its phases are scrambled, as in experiments on vision.

    `layers` are names, None for all but those inside blocks of others.  A layer that sees nothing in a
    picture so small is not in the result.  Raises UsageError for an unknown layer, ImageError if the picture
    is too small, and what `dream` raises.
    """
    if isinstance(layers, str):  # a sequence too, but of letters
        raise wrong("layers", layers, f"a list of names: [{layers!r}]")
    opened = open_model(model, device, threads)
    layers = opened.main_layers if layers is None else layers
    for name in layers:
        if name not in opened.layer_names:
            raise UsageError(
                f"the model has no layer called {name!r}", hint=suggest(name, opened.layer_names)
            )
    pixels = thumbnail(read(picture)[0], SIDE)
    if min(pixels.shape[:2]) < opened.metadata.min_size:
        raise ImageError(
            f"a picture of {pixels.shape[1]}x{pixels.shape[0]} pixels is too small: "
            f"both sides must have at least {opened.metadata.min_size} pixels"
        )
    seen = _energies(opened, pixels)
    noise = np.mean([_energies(opened, x) for x in noise_like(pixels, NOISES)], axis=0)
    return {
        name: tuple(_ranked(name, seen[places], noise[places]))[:count]
        for name, places in opened.places().items()
        if name in layers and seen[places].any()
    }


def noise_like(pixels: NDArray[np.uint8], count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield `count` pictures of noise with the colours and the power spectrum of a picture [H, W, 3].

    The phases of all three channels are turned by the same angles, those of white noise, which keeps their
    correlation.  The noise is the same on every call.
    """
    random = np.random.default_rng(0)
    spectrum = np.fft.fft2(pixels, axes=(0, 1))
    for _ in range(count):
        turn = np.fft.fft2(random.standard_normal(pixels.shape[:2]))
        turn /= np.maximum(np.abs(turn), np.finfo(np.float64).tiny)
        turn[0, 0] = 1  # the mean colour stays
        mixed = np.fft.ifft2(spectrum * turn[..., np.newaxis], axes=(0, 1)).real
        yield np.rint(mixed.clip(0, 255)).astype(np.uint8)


def _energies(model: DreamModel, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the energy of each channel, [C]."""
    return model.energies(to_model(pixels, model.metadata.value_range)).astype(np.float64)


def _ranked(layer: str, seen: NDArray[np.float64], noise: NDArray[np.float64]) -> Iterator[RankedChannel]:
    """Yield a layer's channels, the highest score first."""
    shares = seen / seen.mean()
    scores = shares / (1 + noise / (noise.mean() or 1.0))
    for channel in np.argsort(-scores, kind="stable"):
        yield RankedChannel(layer, int(channel), float(shares[channel]), float(scores[channel]))
