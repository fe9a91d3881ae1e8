"""The stem's positions along a side of a picture, cut into spans, and the pixels that each span sees."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from engine.network.contract import Stem

SIDE: Final = 32
"""Positions along a tile's side.  Smaller tiles compute more twice, larger ones leave the cache."""

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


def cut_evenly(stem: Stem, size: int, threads: int = 1) -> list[Span]:
    """Cut all positions along a side of `size` pixels into spans of nearly equal length.

    There are as many as make `SIDE` positions each, or a multiple of `threads` if that is more and leaves
    `SMALLEST`.
    """
    start, stop = 0, stem.positions(size)
    count = -(-(stop - start) // SIDE)
    count = min(-(-count // threads) * threads, max((stop - start) // SMALLEST, 1))
    edges = [start + (stop - start) * i // count for i in range(count + 1)]
    return [span(stem, *pair, size) for pair in pairwise(edges)]


def cut_equally(stem: Stem, start: int, stop: int, size: int) -> list[Span]:
    """Cut positions `start` to `stop` along a side of `size` pixels into spans of `SIDE`, and a rest.

    The rest is a multiple of `SMALLEST`, and shares positions with the span before it as needed: a window
    has another length at every step, and each new form of tile takes time to open.
    """
    stops = list(range(start + SIDE, stop, SIDE))
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
