"""What acts on an ascent besides the model: turns one `ascent.Gradient` into another, or pulls at a step.

Jitter is google/deepdream's; equal scales are the Laplacian pyramid normalisation of the DeepDream
tutorials for Caffe and TensorFlow (Mordvintsev, 2015), here in degrees; total variation and the distance
from the picture are the usual priors of feature visualisation (Mahendran and Vedaldi, 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.ascent.octaves import resize
from engine.pictures.rows import bands

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.ascent.ascent import Gradient, Image
    from engine.pictures.rows import Rows
    from engine.settings.config import DreamConfig

LEVELS: Final = 4
"""Scales that a gradient is taken apart into, each twice as coarse as the one before."""

FLAT: Final = 1e-3
"""Difference between neighbours, in the model's range, below which total variation does not pull at them."""


def decorated(gradient: Gradient, config: DreamConfig, mask: Rows | None = None) -> Gradient:
    """Return the gradient of an ascent with all that `config` wants of it, and only inside `mask`."""
    if config.jitter:
        gradient = jittered(gradient, config.jitter, config.seed)
    if config.keep_colours:
        gradient = colourless(gradient)
    if config.smooth:
        gradient = evened(gradient, config.smooth)
    return gradient if mask is None else masked(gradient, mask)


def any_in(config: DreamConfig) -> bool:
    """Tell whether the settings ask for more than the gradient's own way uphill."""
    pulls = config.total_variation or config.stay_close
    return bool(config.jitter or config.clip or config.smooth or config.keep_colours or pulls)


def bytes_per_pixel(config: DreamConfig, *, masked: bool) -> int:
    """Return what the controls hold of a picture besides what any dream does, in bytes per pixel."""
    moved = 12 if config.jitter else 0
    scales = 28 if config.smooth else 0
    pulled = 12 if config.stay_close or config.total_variation else 0
    return moved + scales + pulled + (9 if masked else 0)


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


def colourless(gradient: Gradient) -> Gradient:
    """Change red, green and blue alike: by the mean of what each would be changed by."""

    def grey(image: Image) -> tuple[float, Image]:
        loss, slope = gradient(image)
        for rows in bands(slope.shape):
            slope[rows] = slope[rows].mean(axis=2, keepdims=True)
        return loss, slope

    return grey


def evened(gradient: Gradient, strength: float) -> Gradient:
    """Bring the scales of a gradient nearer to each other: 0 leaves it as it is, 1 makes all equally strong.

    Each scale is divided by its standard deviation to the power of `strength`.  What is coarser than the
    coarsest of them goes with that one, so that the picture's mean colour does not run away.
    """

    def even(image: Image) -> tuple[float, Image]:
        loss, slope = gradient(image)
        channels = [_pyramid(slope[..., channel]) for channel in range(slope.shape[2])]
        levels = list(zip(*channels, strict=True))
        factors = [_size(level) ** -strength for level in levels[:-1]]
        factors.append(factors[-1] if factors else 1.0)
        for channel, pyramid in enumerate(channels):
            slope[..., channel] = _collapsed(pyramid, factors)
        return loss, slope

    return even


def masked(gradient: Gradient, mask: Rows) -> Gradient:
    """Leave out of a gradient what the mask [H, W, 1], 0 to 1, does not show at the image's size."""
    held: list[NDArray[np.float32]] = []

    def inside(image: Image) -> tuple[float, Image]:
        loss, slope = gradient(image)
        shape = (image.shape[0], image.shape[1])
        if not held or held[0].shape[:2] != shape:
            held[:] = [resize(mask, shape)]
        slope *= held[0]
        return loss, slope

    return inside


@dataclass
class Pull:
    """What pulls at an image in each step besides the gradient, in units of the gradient's mean size."""

    total_variation: float
    """Weight of the descent of total variation."""

    stay_close: float
    """Weight of the way back to the picture."""

    original: Rows
    """The picture, [H, W, 3] in the model's range."""

    mask: Rows | None = None
    """Where to pull, [H, W, 1]; everywhere for None."""

    _at_size: tuple[Image, Image | None] | None = None

    def __call__(self, image: Image, rows: slice) -> Image:
        """Return the pull at these rows of an image of any octave's size, [h, W, 3]."""
        original, mask = self._sized((image.shape[0], image.shape[1]))
        pull = np.zeros_like(image[rows])
        if self.stay_close:
            pull += (original[rows] - image[rows]) * np.float32(self.stay_close)
        if self.total_variation:
            pull += smoothing(image, rows) * np.float32(self.total_variation)
        if mask is not None:
            pull *= mask[rows]
        return pull

    def _sized(self, shape: tuple[int, int]) -> tuple[Image, Image | None]:
        if self._at_size is None or self._at_size[0].shape[:2] != shape:
            mask = None if self.mask is None else resize(self.mask, shape)
            self._at_size = (resize(self.original, shape), mask)
        return self._at_size


def pull_of(config: DreamConfig, original: Rows, mask: Rows | None = None) -> Pull | None:
    """Return what pulls at the steps of a dream, None where nothing does."""
    if not config.stay_close and not config.total_variation:
        return None
    return Pull(config.total_variation, config.stay_close, original, mask)


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


def _pyramid(channel: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Take a channel apart into what each scale shows, finest first, and the rest that is coarser still."""
    levels: list[NDArray[np.float32]] = []
    while len(levels) < LEVELS and min(channel.shape) >= 4:
        height, width = channel.shape
        coarser = _scaled(channel, ((height + 1) // 2, (width + 1) // 2))
        levels.append(channel - _scaled(coarser, (height, width)))
        channel = coarser
    return [*levels, channel]


def _collapsed(pyramid: list[NDArray[np.float32]], factors: list[float]) -> NDArray[np.float32]:
    """Put the scales together again, each times its factor."""
    channel = pyramid[-1] * np.float32(factors[-1])
    for level, factor in zip(reversed(pyramid[:-1]), reversed(factors[:-1]), strict=True):
        channel = _scaled(channel, level.shape)
        channel += level * np.float32(factor)
    return channel


def _scaled(channel: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Bring a channel to another size: averaged on the way down, smooth on the way up."""
    from PIL import Image  # noqa: PLC0415 - who wants no even scales starts sooner

    down = shape[0] < channel.shape[0]
    resampling = Image.Resampling.BILINEAR if down else Image.Resampling.BICUBIC
    image = Image.fromarray(np.ascontiguousarray(channel))
    return np.array(image.resize((shape[1], shape[0]), resampling))


def _size(level: tuple[NDArray[np.float32], ...]) -> float:
    """Return the root mean square of a scale in all channels; 1 where there is nothing in it."""
    squares = [float(np.square(x).mean(dtype=np.float64)) for x in level]
    return float(np.sqrt(np.mean(squares))) or 1.0
