"""The stem's positions along a side of a picture, cut into spans, and the pixels that each span sees."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.network.contract import Stem

SIDE: Final = 32
"""Positions along a square tile's side.  Smaller ones compute more twice, larger ones leave the cache."""

SMALLEST: Final = 8
"""Positions along a tile's side, at least; in windows, a tile's side is a multiple of it."""


@dataclass(frozen=True)
class Span:
    """Neighbouring positions of the stem along one axis of a picture, and the pixels that they see."""

    start: int
    stop: int
    from_pixel: int
    to_pixel: int
    first: bool
    """Whether it begins at the picture's edge: then padding is due there."""
    last: bool
    """Whether it ends at the picture's edge."""
    shared: int = 0
    """How many positions at its start belong to the span before it."""

    @property
    def pixels(self) -> slice:
        """Which pixels they see."""
        return slice(self.from_pixel, self.to_pixel)

    @property
    def form(self) -> tuple[int, bool, bool]:
        """What must be equal for two spans to be computed by the same session."""
        return self.to_pixel - self.from_pixel, self.first, self.last


def span(stem: Stem, start: int, stop: int, size: int, shared: int = 0) -> Span:
    """Return positions `start` to `stop` along a side of `size` pixels."""
    first, last = start == 0, stop == stem.positions(size)
    begin = 0 if first else start * stem.stride - stem.before
    end = size if last else (stop - 1) * stem.stride - stem.before + stem.field
    return Span(start, stop, begin, end, first, last, shared)


@lru_cache(maxsize=64)
def cut_evenly(stem: Stem, size: tuple[int, int], threads: int) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Cut all positions of a picture of `size` (height, width) into rows and columns of tiles.

    Along an axis they are of nearly equal length, and no tile has more positions than a square of `SIDE`.  Of
    all such cuts it is the one that gives the busiest of `threads` processors the fewest pixels: tiles share
    few of these, and there are as many as keep all processors busy.
    """
    lengths = [stem.positions(side) for side in size]
    most = [max(length // SMALLEST, 1) for length in lengths]
    counts = product(*(range(1, count + 1) for count in most))
    best = min(counts, key=lambda pair: _work(stem, lengths, pair, threads))
    rows, columns = (_evenly(stem, count, side) for count, side in zip(best, size, strict=True))
    return rows, columns


def _work(stem: Stem, lengths: Sequence[int], counts: Sequence[int], threads: int) -> tuple[bool, int, int]:
    """Rate a cut into so many rows and columns, less for a better one: too large, pixels at most, tiles."""
    sides = [-(-length // count) for length, count in zip(lengths, counts, strict=True)]
    pixels = math.prod((side - 1) * stem.stride + stem.field for side in sides)
    tiles = math.prod(counts)
    return math.prod(sides) > SIDE**2, -(-tiles // threads) * pixels, tiles


def _evenly(stem: Stem, count: int, size: int) -> tuple[Span, ...]:
    edges = [stem.positions(size) * i // count for i in range(count + 1)]
    return tuple(span(stem, *pair, size) for pair in pairwise(edges))


def cut_equally(stem: Stem, start: int, stop: int, size: int) -> list[Span]:
    """Cut positions `start` to `stop` along a side of `size` pixels into spans of `SIDE`, and a rest.

    The rest is a multiple of `SMALLEST`, and shares positions with the span before it as needed: a window
    has another length at every step, and each new form of tile takes time to open.
    """
    stops = list(range(start + SIDE, stop - stem.at_end + 1, SIDE))
    left = stop - (stops[-1] if stops else start)
    last = -(-left // SMALLEST) * SMALLEST
    starts = [start, *stops]
    spans = [span(stem, *pair, size) for pair in pairwise(starts)]
    begin = max(stop - last, start)
    return [*spans, span(stem, begin, stop, size, shared=starts[-1] - begin)]


@dataclass(frozen=True)
class Pads:
    """Padding of a tile's convolutions: zeros only where the tile lies at the picture's edge.

    Elsewhere the neighbours' pixels are there, and nothing is padded on the way forward.  On the way back the
    convolution is then the gradient of one without padding, which pads by its kernel less one.
    """

    rows: Span
    columns: Span

    def forward(self, pads: tuple[int, ...]) -> list[int]:
        """Return a convolution's padding on the way forward: at the picture's edge, `pads`."""
        return self._where_inner([0] * len(pads), pads)

    def backward(self, kernel: tuple[int, int], pads: tuple[int, ...]) -> list[int]:
        """Return the padding of the convolution that is its gradient: at the picture's edge, `pads`."""
        return self._where_inner([k - 1 for k in kernel] * 2, pads)

    def _where_inner(self, inner: list[int], edge: tuple[int, ...]) -> list[int]:
        at_edge = (self.rows.first, self.columns.first, self.rows.last, self.columns.last)
        return [e if there else i for i, e, there in zip(inner, edge, at_edge, strict=True)]
