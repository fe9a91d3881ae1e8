"""Large pictures in tiles: less memory, one tile per processor, and no seam.

A tile's gradient is true only away from its borders, so each tile is computed with a halo around the core
that it answers for, and the grid of cores lies elsewhere at every step, so that what is left of the error
averages out.  The network's own grid is kept: tiles begin at multiples of its stride.  The ascent normalises
the whole gradient as ever; it does not know of tiles.  A grid that moves is known from google/deepdream and
TensorFlow's tutorial; docs/decisions/0006-tiles.md has what was measured.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from engine import machine
from engine.errors import ImageError
from engine.model import BYTES_PER_PIXEL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from engine.config import Tiling
    from engine.metadata import Layer
    from engine.model import DreamModel

    Image: TypeAlias = NDArray[np.float32]
    Compute: TypeAlias = Callable[[Image, NDArray[np.float32]], tuple[Image, NDArray[np.float32]]]

SMALLEST_WINDOW: Final = 256
"""A core cut off by the picture's edge is given so much context that its window has at least this side."""

PLASTIC: Final = np.array([0.7548776662466927, 0.5698402909980532])
"""What the grid moves by at each step, in cores: powers of 1 / 1.3247…, the plastic number.

Of all sequences this one spreads a few places most evenly (Roberts, "The Unreasonable Effectiveness of
Quasirandom Sequences", 2018); places drawn one by one leave borders beside each other.
"""

ARRAYS: Final = 100
"""Bytes per pixel that an ascent holds besides what a gradient takes: copies of the picture in float32."""


@dataclass(frozen=True)
class Tile:
    """One tile: what it answers for, and what is computed for that."""

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
    shape: tuple[int, int], size: int, halo: int, shift: tuple[int, int] = (0, 0), stride: int = 16
) -> list[Tile]:
    """Cut a picture of `shape` into cores of `size`, the first ones shortened by `shift`.

    `size`, `halo` and `shift` are multiples of `stride`; so is where each window begins.
    """
    rows, columns = (_spans(length, size, halo, s, stride) for length, s in zip(shape, shift, strict=True))
    return [Tile((row[0], column[0]), (row[1], column[1])) for row in rows for column in columns]


def _spans(length: int, size: int, halo: int, shift: int, stride: int) -> list[tuple[slice, slice]]:
    """Return core and window along one axis."""
    edges = [0, *range(size - shift, length, size), length]
    spans = []
    for start, stop in pairwise(edges):
        if start == stop:
            continue
        first, last = max(start - halo, 0), min(stop + halo, length)
        missing = min(SMALLEST_WINDOW, length) - (last - first)
        if missing > 0:  # at an edge: grow to the other side
            first = max(first - missing, 0) // stride * stride
            last = min(max(last, first + SMALLEST_WINDOW), length)
        spans.append((slice(start, stop), slice(first, last)))
    return spans


def gradient(
    model: DreamModel, layers: Mapping[str, float], tiling: Tiling, shape: tuple[int, int]
) -> TiledGradient:
    """Return the `ascent.Gradient` for a picture of `shape`, once it is known to fit into memory.

    Raises ImageError where it does not, UsageError for a layer that the model has not.
    """
    made = TiledGradient(model, layers, tiling)
    if made.cuts(shape):
        _check_memory(model, tiling, shape)
    else:
        model.check_memory(*shape)
    return made


def _check_memory(model: DreamModel, tiling: Tiling, shape: tuple[int, int]) -> None:
    """Raise ImageError for a picture too large even for tiles, before the system kills us."""
    height, width = shape
    _, workers = model.per_core()
    tiles = workers * (tiling.size + 2 * tiling.halo) ** 2 * BYTES_PER_PIXEL if model.device == "cpu" else 0
    needed, available = height * width * ARRAYS + tiles, machine.available_memory()
    if available is not None and needed > available:
        raise ImageError(
            f"a picture of {width}x{height} pixels needs about {needed / 1e9:.1f} GB of memory, "
            f"and {available / 1e9:.1f} GB are free",
            hint="make it smaller, or give a smaller --tile or fewer --threads",
        )


class TiledGradient:
    """The gradient of a picture of any size: whole where it is small, in tiles where it is large."""

    def __init__(self, model: DreamModel, layers: Mapping[str, float], tiling: Tiling) -> None:
        self._model = model
        self._whole = model.gradient(layers)
        self._weights = model.channel_weights(layers)
        self._tiling = tiling
        self._stride = max(layer.stride for layer in model.metadata.layers)
        self._place = np.random.default_rng(tiling.seed).random(2)
        self._limit = _whole_limit(model, tiling)

    def __call__(self, image: Image) -> tuple[float, Image]:
        """Return loss and raw gradient of an image [H, W, 3], as an `ascent.Gradient` does.

        In tiles the loss is estimated: each tile's mean energy, weighted with the size of its core.
        """
        shape = (image.shape[0], image.shape[1])
        if not self.cuts(shape):
            return self._whole(image)
        compute, workers = self._model.per_core()
        gradient = np.empty_like(image)

        def work(tile: Tile) -> float:
            loss, gradient[tile.core] = self._tile(compute, image, tile)
            return loss

        pool = ThreadPoolExecutor(workers)
        try:
            losses = list(pool.map(work, self._grid(shape)))
        finally:
            pool.shutdown(cancel_futures=True)  # Ctrl-C waits for the tiles at work, not for all
        return sum(losses), gradient

    def cuts(self, shape: tuple[int, int]) -> bool:
        """Tell whether a picture of `shape` is computed in tiles."""
        return self._limit is not None and shape[0] * shape[1] > self._limit

    def _grid(self, shape: tuple[int, int]) -> list[Tile]:
        stride = self._stride
        size, halo = (-(-side // stride) * stride for side in (self._tiling.size, self._tiling.halo))
        self._place = (self._place + PLASTIC) % 1
        down, across = (int(part * size) // stride * stride for part in self._place)
        return grid(shape, size, halo, (down, across), stride)

    def _tile(self, compute: Compute, image: Image, tile: Tile) -> tuple[float, Image]:
        """Return the tile's share of the whole picture's loss, and its core's gradient."""
        window = image[tile.window]
        count, inside = self._positions(window.shape)
        whole_count, whole_inside = self._positions(image.shape)
        # The model divides by the window's own element counts; the whole picture's are wanted.
        gradient, energies = compute(window, self._weights * (count / whole_count))
        mean = energies * count / np.maximum(inside, 1)
        core = image[tile.core]
        share = core.shape[0] * core.shape[1] / (image.shape[0] * image.shape[1])
        loss = float(np.dot(self._weights, mean * (whole_inside / whole_count))) * share
        return loss, gradient[tile.inside]

    def _positions(self, shape: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Estimate, per channel [C], a layer's positions at that size, all and inside the border."""
        metadata = self._model.metadata
        counts = [_count(layer, shape, 0) for layer in metadata.layers]
        insides = [_count(layer, shape, metadata.border) for layer in metadata.layers]
        repeats = [layer.channels for layer in metadata.layers]
        return np.repeat(counts, repeats).astype(np.float32), np.repeat(insides, repeats).astype(np.float32)


def _whole_limit(model: DreamModel, tiling: Tiling) -> int | None:
    """Return the largest number of pixels to compute whole, None for any: less where memory is short."""
    if tiling.whole_pixels is None:
        return None
    fits = model.pixels_that_fit()
    whole = tiling.whole_pixels if fits is None else min(tiling.whole_pixels, fits)
    return max(whole, (tiling.size + 2 * tiling.halo) ** 2)


def _count(layer: Layer, shape: tuple[int, ...], border: int) -> float:
    """Estimate a layer's positions; convolutions without padding take about two at each axis."""
    down, across = (max(side / layer.stride - 2 - 2 * border, 0) for side in shape[:2])
    return down * across
