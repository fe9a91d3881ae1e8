"""Local response normalisation across channels, as a TensorFlow graph, with its gradient.

Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks" (2012), section 3.3, with
Caffe's numbers: y = x / (1 + 1e-4 / 5 * the sum of x² over 5 neighbouring channels) ** 0.75.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CHANNELS: Final = 5
"""Neighbouring channels whose squares are summed, a channel's own among them."""

SHARE: Final = 1e-4 / CHANNELS
"""What each square counts in the sum."""

POWER: Final = 0.75


def normalise(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Normalise x [N, C, h, w]; also return what takes the gradient for the result to that for x.

    Neighbours are summed by a 1x1 convolution.  x is made small before it is squared, so that no square
    leaves what half precision can hold.
    """
    small = x * np.float32(np.sqrt(SHARE))
    band = _band(x.shape[1])
    root = tf.sqrt(1.0 + _sum(small * small, band))
    factor = 1.0 / (root * tf.sqrt(root))
    y = x * factor

    def pull(upstream: tf.Tensor) -> tf.Tensor:
        shares = _sum(upstream * y / (root * root), band)
        return upstream * factor - small * np.float32(2 * POWER * np.sqrt(SHARE)) * shares

    return y, pull


def _sum(x: tf.Tensor, band: NDArray[np.float32]) -> tf.Tensor:
    return tf.nn.conv2d(x, band, 1, "VALID", data_format="NCHW")


def _band(channels: int) -> NDArray[np.float32]:
    """Return the kernel [1, 1, C, C] that sums the neighbours of each channel."""
    places = np.arange(channels)
    near = np.abs(places[:, np.newaxis] - places) <= CHANNELS // 2
    return np.asarray(near[np.newaxis, np.newaxis], np.float32)
