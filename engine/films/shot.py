"""Frames of films."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Shot:
    """A picture, and the time at which a film shows it."""

    time: Fraction
    """Seconds from the beginning of the film."""

    image: NDArray[np.uint8] = field(repr=False)
    """Colours [H, W, 3], 0 to 255, upright."""


@dataclass(frozen=True)
class Frame:
    """Reports a frame that is done while a film is made."""

    number: int
    """Number of the frame, counted from 1."""

    frames: int | None
    """Approximate number of frames of the film; None if unknown."""

    complete: bool
    """Whether the film has been written; the last frame is then reported a second time."""

    warnings: tuple[str, ...]
    """Warnings for the user, one sentence each."""
