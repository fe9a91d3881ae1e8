"""A frame of a film."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Shot:
    """A picture and when it is shown."""

    time: Fraction
    """Seconds from the beginning."""

    image: NDArray[np.uint8] = field(repr=False)
    """Colours [H, W, 3], 0 to 255, upright."""


@dataclass(frozen=True)
class Frame:
    """A frame that is done, while a film is made."""

    number: int
    """Which one, counted from 1."""

    frames: int | None
    """How many there will be; None where nobody knows."""

    complete: bool
    """Whether the film is written: then this is its last frame once more."""

    warnings: tuple[str, ...]
    """What the user should know, one sentence each."""
