"""Equal scales: coarse forms are raised to the strength of fine ones.

This is the Laplacian pyramid normalisation of the DeepDream tutorials for Caffe and TensorFlow (Mordvintsev,
2015), here in degrees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engine.ascent.controls.control import Control
from engine.stop import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.ascent.ascent import Gradient, Image
    from engine.stop import Stop

LEVELS: Final = 4
"""Scales that a gradient is taken apart into, each twice as coarse as the one before."""


def evened(gradient: Gradient, strength: float, stop: Stop = NEVER) -> Gradient:
    """Bring the scales of a gradient nearer to each other: 0 leaves it as it is, 1 makes all equally strong.

    Each scale is divided by its standard deviation to the power of `strength`.  What is coarser than the
    coarsest of them goes with that one, so that the picture's mean colour does not run away.
    """

    def even(image: Image) -> tuple[float, Image]:
        loss, slope = gradient(image)
        channels = [_pyramid(slope[..., channel], stop) for channel in range(slope.shape[2])]
        levels = list(zip(*channels, strict=True))
        factors = [_size(level, stop) ** -strength for level in levels[:-1]]
        factors.append(factors[-1] if factors else 1.0)
        for channel, pyramid in enumerate(channels):
            slope[..., channel] = _collapsed(pyramid, factors, stop)
        return loss, slope

    return even


def _pyramid(channel: NDArray[np.float32], stop: Stop = NEVER) -> list[NDArray[np.float32]]:
    """Take a channel apart into what each scale shows, finest first, and the rest that is coarser still."""
    levels: list[NDArray[np.float32]] = []
    while len(levels) < LEVELS and min(channel.shape) >= 4:
        stop.check()
        height, width = channel.shape
        coarser = _scaled(channel, ((height + 1) // 2, (width + 1) // 2))
        stop.check()
        finer = _scaled(coarser, (height, width))
        stop.check()
        levels.append(channel - finer)
        channel = coarser
    return [*levels, channel]


def _collapsed(
    pyramid: list[NDArray[np.float32]], factors: list[float], stop: Stop = NEVER
) -> NDArray[np.float32]:
    """Put the scales together again, each times its factor."""
    channel = pyramid[-1] * np.float32(factors[-1])
    for level, factor in zip(reversed(pyramid[:-1]), reversed(factors[:-1]), strict=True):
        stop.check()
        channel = _scaled(channel, level.shape)
        stop.check()
        channel += level * np.float32(factor)
    return channel


def _scaled(channel: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Bring a channel to another size: averaged on the way down, smooth on the way up."""
    from PIL import Image  # noqa: PLC0415 - who wants no even scales starts sooner

    down = shape[0] < channel.shape[0]
    resampling = Image.Resampling.BILINEAR if down else Image.Resampling.BICUBIC
    image = Image.fromarray(np.ascontiguousarray(channel))
    return np.array(image.resize((shape[1], shape[0]), resampling))


def _size(level: tuple[NDArray[np.float32], ...], stop: Stop = NEVER) -> float:
    """Return the root mean square of a scale in all channels; 1 where there is nothing in it."""
    squares = []
    for channel in level:
        stop.check()
        squares.append(float(np.square(channel).mean(dtype=np.float64)))
    return float(np.sqrt(np.mean(squares))) or 1.0


CONTROL: Final = Control(
    wanted=lambda config: config.smooth > 0,
    wrap=lambda gradient, config, stop: evened(gradient, config.smooth, stop),
    bytes_after=28,  # 16 for the pyramids of three channels, 12 for putting one of them together
)
