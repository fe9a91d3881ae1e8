"""Keeps brightness, contrast and fine detail steady, however often a picture is dreamed on.

A dream of a dream of a dream drifts: to black or glaring colours, and to fine noise everywhere.  So each
frame is pulled back a little to the statistics of the first picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

PULL: Final = 0.1
"""Share of the way back that a frame is pulled, too little to be visible."""

FLATTEST: Final = 0.1
"""Standard deviation of a channel up to which a flat picture may gain contrast, as a share of black to
white."""

FINEST: Final = 1.5
"""How many times as much fine detail as the first picture a dream may have."""

FINE: Final = 0.05
"""Standard deviation of fine detail that any dream may have, as a share of black to white."""

CELL: Final = 4
"""Size in pixels below which detail counts as fine."""


@dataclass(frozen=True, eq=False)
class Balance:
    """Statistics of a picture's values, all in the model's range."""

    mean: NDArray[np.float64]
    """Mean of each channel, [3]."""

    spread: NDArray[np.float64]
    """Standard deviation of each channel, [3]."""

    detail: float
    """Standard deviation of detail finer than CELL."""

    value_range: tuple[float, float]
    """The model's values of black and white."""

    @classmethod
    def of(cls, image: NDArray[np.float32], value_range: tuple[float, float]) -> Balance:
        """Return the balance of a picture [H, W, 3]."""
        detail = float((image - _coarse(image)).std(dtype=np.float64))
        mean, spread = (f((0, 1), dtype=np.float64) for f in (image.mean, image.std))
        return cls(mean, spread, detail, value_range)

    def pull(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a picture [H, W, 3] pulled a little toward this balance, clipped to black and white."""
        low, high = self.value_range
        coarse = _coarse(image)
        fine = image - coarse
        most = max(FINEST * self.detail, FINE * (high - low))
        if (amount := float(fine.std(dtype=np.float64))) > most:
            fine *= np.float32(most / amount)
        fine += coarse
        mean, spread = (f((0, 1), dtype=np.float64) for f in (fine.mean, fine.std))
        wanted = spread.clip(self.spread, np.maximum(self.spread, FLATTEST * (high - low)))
        gain = 1 + PULL * np.clip(wanted / np.maximum(spread, 1e-6) - 1, -1, 1)
        shift = mean + PULL * (self.mean - mean)
        pulled = (fine - mean.astype(np.float32)) * gain.astype(np.float32) + shift.astype(np.float32)
        clipped: NDArray[np.float32] = pulled.clip(low, high)
        return clipped


def _coarse(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a picture without its fine detail."""
    height, width = image.shape[:2]
    small = (max(width // CELL, 1), max(height // CELL, 1))
    coarse = np.empty_like(image)
    for channel in range(image.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(image[..., channel]))
        plane = plane.resize(small, Image.Resampling.BOX).resize((width, height), Image.Resampling.BICUBIC)
        coarse[..., channel] = np.asarray(plane)
    return coarse
