"""Pixel values: 0 to 255 for people, the model's range for the model.  Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

KERAS_RANGE = (-1.0, 1.0)
"""What InceptionV3 takes for black and white."""


def to_model(
    pixels: NDArray[np.uint8], value_range: tuple[float, float] = KERAS_RANGE
) -> NDArray[np.float32]:
    """Map 0..255 linearly to the model's range, float32 of the same shape."""
    low, high = value_range
    return pixels.astype(np.float32) * np.float32((high - low) / 255) + np.float32(low)


def from_model(
    image: NDArray[np.float32], value_range: tuple[float, float] = KERAS_RANGE
) -> NDArray[np.uint8]:
    """Map the model's range to 0..255: clipped, rounded to the nearest."""
    low, high = value_range
    scaled = (image - np.float32(low)) * np.float32(255 / (high - low))
    return _quantise(scaled)


def from_unit(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Map 0..1 to 0..255: clipped, rounded to the nearest."""
    return _quantise(values * 255)


def _quantise(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    quantised: NDArray[np.uint8] = np.rint(values.clip(0, 255)).astype(np.uint8)
    return quantised
