"""Keep brightness, contrast and detail steady, however often a picture is dreamed on.

A dream of a dream of a dream drifts: to black or to glaring colours, and to a carpet of fine noise.  After
each frame this pulls it back a little to where the first picture was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

PULL: Final = 0.1
"""Share of the way back that each frame goes; small, so that nobody notices."""

FLATTEST: Final = 0.1
"""Spread of a channel below which a picture may gain contrast, as a share of black to white."""

FINEST: Final = 1.5
"""How much more fine detail a dream may have than its picture."""

FINE: Final = 0.05
"""Spread of fine detail that any dream may have, as a share of black to white."""

CELL: Final = 4
"""Pixels below which detail is fine."""


@dataclass(frozen=True, eq=False)
class Balance:
    """Statistics of a picture's values, in the model's range."""

    mean: NDArray[np.float64]
    """Of each channel, [3]."""

    spread: NDArray[np.float64]
    """Standard deviation of each channel, [3]."""

    detail: float
    """Standard deviation of what is finer than a cell."""

    value_range: tuple[float, float]
    """Black and white."""

    @classmethod
    def of(cls, image: NDArray[np.float32], value_range: tuple[float, float]) -> Balance:
        """Measure a picture [H, W, 3]."""
        detail = float((image - _coarse(image)).std(dtype=np.float64))
        mean, spread = (f((0, 1), dtype=np.float64) for f in (image.mean, image.std))
        return cls(mean, spread, detail, value_range)

    def held(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a picture pulled toward this balance, within black and white."""
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
        held = (fine - mean.astype(np.float32)) * gain.astype(np.float32) + shift.astype(np.float32)
        clipped: NDArray[np.float32] = held.clip(low, high)
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
