"""Pixel values: 0 to 255 for people, the model's range for the model.  Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.rows import bands

if TYPE_CHECKING:
    from numpy.typing import NDArray

KERAS_RANGE = (-1.0, 1.0)
"""What InceptionV3 takes for black and white."""

LUMA = (0.2126, 0.7152, 0.0722)
"""Shares of red, green and blue in a grey value, Rec. 709, on perceptual values as they are."""


@dataclass(frozen=True, eq=False)
class ModelRows:
    """A picture as `Rows` in the model's range, which are made when they are asked for and take no memory."""

    values: NDArray[Any]
    """[H, W, 3], or grey [H, W, 1] for three equal channels; uint8 0 to 255, or float32 clipped to 0..1."""

    value_range: tuple[float, float] = KERAS_RANGE
    """The model's values of black and white."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W, 3)."""
        return (*self.values.shape[:2], 3)

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]:
        """Return these rows, float32 [h, W, 3]."""
        band = self.values[rows]
        convert = to_model if band.dtype == np.uint8 else unit_to_model
        colours = convert(band, self.value_range)
        return colours if colours.shape[2] == 3 else np.repeat(colours, 3, axis=2)


def to_model(
    pixels: NDArray[np.uint8], value_range: tuple[float, float] = KERAS_RANGE
) -> NDArray[np.float32]:
    """Map 0..255 linearly to the model's range, float32 of the same shape."""
    low, high = value_range
    values = pixels.astype(np.float32)
    values *= np.float32((high - low) / 255)
    values += np.float32(low)
    return values


def unit_to_model(
    values: NDArray[np.float32], value_range: tuple[float, float] = KERAS_RANGE
) -> NDArray[np.float32]:
    """Map 0..1 linearly to the model's range, float32 of the same shape; what lies outside is clipped."""
    low, high = value_range
    scaled: NDArray[np.float32] = values.clip(0, 1)
    scaled *= np.float32(high - low)
    scaled += np.float32(low)
    return scaled


def from_model(
    image: NDArray[np.float32], value_range: tuple[float, float] = KERAS_RANGE
) -> NDArray[np.uint8]:
    """Map the model's range to 0..255: clipped, rounded to the nearest."""
    low, high = value_range
    scaled = (image - np.float32(low)) * np.float32(255 / (high - low))
    return _quantise(scaled)


def from_unit(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Map 0..1 to 0..255, [H, W, ...]: clipped, rounded to the nearest."""
    quantised = np.empty(values.shape, np.uint8)
    for rows in bands(values.shape):
        quantised[rows] = _quantise(values[rows] * 255)
    return quantised


def luma(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the grey values [H, W] of RGB [H, W, 3], in the same range."""
    grey: NDArray[np.float32] = image @ np.array(LUMA, np.float32)
    return grey


def _quantise(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    quantised: NDArray[np.uint8] = np.rint(values.clip(0, 255)).astype(np.uint8)
    return quantised
