"""A picture cut into cores, each with a window around it: arithmetic of tiles, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

THINNEST: Final = 128
"""Pixels of a core at the picture's edge, at least: a thinner one goes to its neighbour."""


@dataclass(frozen=True)
class Tile:
    """One tile: the core that it answers for, and the window that is computed to get it."""

    core: tuple[slice, slice]
    """Rows and columns of the picture; the cores of a grid cover it once."""

    window: tuple[slice, slice]
    """Rows and columns that are computed, within the picture, around the core."""

    @property
    def inside(self) -> tuple[slice, slice]:
        """The core's rows and columns, counted from the window's."""
        rows, columns = (
            slice(core.start - window.start, core.stop - window.start)
            for core, window in zip(self.core, self.window, strict=True)
        )
        return rows, columns


def grid(
    shape: tuple[int, int],
    size: int,
    halo: int,
    shift: tuple[int, int] = (0, 0),
) -> list[Tile]:
    """Cut a picture of `shape` into cores of `size`, the first ones shortened by `shift`.

    Where less than `THINNEST` would be left at an edge, the core beside it takes that too, unless it has
    already done so at the other edge.

    Each window begins at a multiple of whatever `size`, `halo` and `shift` are multiples of.
    """
    rows, columns = (_spans(length, size, halo, s) for length, s in zip(shape, shift, strict=True))
    return [Tile((row[0], column[0]), (row[1], column[1])) for row in rows for column in columns]


def _spans(length: int, size: int, halo: int, shift: int) -> list[tuple[slice, slice]]:
    """Return core and window along one axis."""
    edges = [0, *(x for x in range(size - shift, length, size) if x > 0), length]
    if len(edges) > 2 and edges[1] < THINNEST:
        del edges[1]
    if len(edges) > 2 and length - edges[-2] < THINNEST and length - edges[-3] <= size + THINNEST:
        del edges[-2]
    return [
        (slice(start, stop), slice(max(start - halo, 0), min(stop + halo, length)))
        for start, stop in pairwise(edges)
    ]
