"""Pixel values: 8 or 16 bits or float for people, the model's range for the model.  Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.pictures.rows import bands

if TYPE_CHECKING:
    from engine.pictures.colour import Space

Values: TypeAlias = NDArray[Any]
"""A picture's values: uint8, uint16 or float32, whose white is 255, 65535 or 1."""

DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "8": np.dtype(np.uint8),
    "16": np.dtype(np.uint16),
    "float": np.dtype(np.float32),
}
"""Types of a picture's values by their names in options, least first."""

KERAS_RANGE = (-1.0, 1.0)
"""Black and white as InceptionV3 expects them."""

LUMA = (0.2126, 0.7152, 0.0722)
"""Shares of red, green and blue in a grey value, Rec. 709, on perceptual values as they are."""


@dataclass(frozen=True, eq=False)
class ModelRows:
    """A picture as `Rows` in the model's range, which are made when they are asked for and take no memory."""

    values: Values
    """[H, W, 3], or grey [H, W, 1] for three equal channels; what lies outside black and white is clipped."""

    value_range: tuple[float, float] = KERAS_RANGE
    """The model's values of black and white."""

    space: Space | None = None
    """Colour space of the values; None for sRGB."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W, 3)."""
        return (*self.values.shape[:2], 3)

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]:
        """Return these rows, float32 [h, W, 3]."""
        band = self.values[rows]
        if self.space is not None:
            colours = unit_to_model(self.space.to_srgb(to_unit(band)), self.value_range)
        elif band.dtype == np.uint8:
            colours = to_model(band, self.value_range)
        else:
            colours = unit_to_model(to_unit(band), self.value_range)
        return colours if colours.shape[2] == 3 else np.repeat(colours, 3, axis=2)


def white(dtype: np.dtype[Any]) -> int:
    """Return the value of white in integers of a type, and 1 for floats."""
    return int(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else 1


def to_unit(values: Values) -> NDArray[np.float32]:
    """Map a picture's values to 0..1, float32; floats are clipped, and NaN becomes black."""
    if values.dtype != np.float32:
        return values.astype(np.float32) / np.float32(white(values.dtype))
    return np.nan_to_num(values, nan=0, posinf=1, neginf=0).clip(0, 1)


def at_depth(values: Values, dtype: np.dtype[Any]) -> Values:
    """Return a picture's values as another type, rounded if that is less exact."""
    if values.dtype == dtype:
        return values
    converted = np.empty(values.shape, dtype)
    factor = white(dtype) / white(values.dtype)
    for rows in bands(values.shape):
        if dtype == np.float32:
            converted[rows] = values[rows] * np.float64(factor)
        else:
            band = values[rows].astype(np.float64)
            band = np.nan_to_num(band, copy=False, nan=0.0, posinf=1.0, neginf=0.0)
            converted[rows] = np.rint(band * factor).clip(0, white(dtype))
    return converted


def to_model(pixels: Values, value_range: tuple[float, float] = KERAS_RANGE) -> NDArray[np.float32]:
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


def unit_of(image: NDArray[np.float32], value_range: tuple[float, float]) -> NDArray[np.float32]:
    """Map the model's range to 0..1, clipped."""
    low, high = value_range
    scaled: NDArray[np.float32] = (image - np.float32(low)) * np.float32(1 / (high - low))
    return scaled.clip(0, 1)


def from_model(
    image: NDArray[np.float32], value_range: tuple[float, float] = KERAS_RANGE
) -> NDArray[np.uint8]:
    """Map the model's range to 0..255: clipped, rounded to the nearest."""
    low, high = value_range
    scaled = (image - np.float32(low)) * np.float32(255 / (high - low))
    return _quantise(scaled)


def luma(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the grey values [H, W] of RGB [H, W, 3], in the same range."""
    grey: NDArray[np.float32] = image @ np.array(LUMA, np.float32)
    return grey


def _quantise(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    quantised: NDArray[np.uint8] = np.rint(values.clip(0, 255)).astype(np.uint8)
    return quantised
