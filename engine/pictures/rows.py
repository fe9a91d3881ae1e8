"""Pictures by rows: work that is done band by band needs no second picture in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from engine.stop import Stop

BAND: Final = 1 << 14
"""Pixels of a band, about: few enough for a processor's cache, many enough for little overhead in Python."""


COPIED: Final = 1 << 20
"""Pixels of a band that is only copied: milliseconds, and for most pictures all at once."""


class Rows(Protocol):
    """A picture [H, W, C] that gives its rows as float32: an array, or what makes them on demand."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W, C)."""

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]:
        """Return these rows, [h, W, C]; not to be written to."""


def bands(shape: tuple[int, ...], stop: Stop = NEVER, pixels: int = BAND) -> Iterator[slice]:
    """Cut a picture of `shape` (height, width, ...) into bands of about so many pixels, from top to bottom.

    Raises Cancelled, between two of them, where `stop` is set.
    """
    height, width = shape[:2]
    rows = max(pixels // max(width, 1), 1)
    for start in range(0, height, rows):
        stop.check()
        yield slice(start, min(start + rows, height))


def joined(
    parts: Iterable[tuple[slice, NDArray[np.float32]]], shape: tuple[int, ...], stop: Stop = NEVER
) -> NDArray[np.float32]:
    """Join bands that cover a picture of `shape`, float32 [H, W, C]; Cancelled where `stop` is set."""
    picture = np.empty(shape, np.float32)
    for rows, band in parts:
        stop.check()
        picture[rows] = band
    return picture
