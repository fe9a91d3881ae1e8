"""Tiles for a GPU: windows of one shape, many of them computed at once.

CUDA's libraries plan their work again for every new shape, WebGPU may compile programs for it, and one
small window leaves most of a GPU idle.
So all windows of a picture have the same shape at every step, and are stacked along N.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.ascent.memory import GRADIENT, PROGRAM
from engine.settings.devices import kind_of
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from engine.ascent.grid import Tile
    from engine.network.model import DreamModel
    from engine.network.targets import Targets
    from engine.stop import Stop

    Image = NDArray[np.float32]


CUDA_PIXELS: Final = 1_500_000
"""Pixels that are computed at once by CUDA, at most."""

WEBGPU_PIXELS: Final = 600_000
"""Pixels that are computed at once by WebGPU, at most: 100 GFLOP, since no run stops in its midst, and
a processor's own GPU has some 300 GFLOP/s to give."""

COMMON: Final = 128 << 20
"""Bytes of a buffer that each GPU behind WebGPU takes: the standard's least."""

STEM: Final = 64
"""Bytes per pixel of the largest tensor: 64 channels at half the width and height."""


def at_once(model: DreamModel, max_memory: int) -> int:
    """Return how many pixels a GPU computes at once, at most, so that their largest tensor fits a buffer.

    Fewer where its memory was full before.
    """
    most = CUDA_PIXELS
    if kind_of(model.device) == "webgpu":
        largest = model.adapter.largest if model.adapter is not None else None
        most = min(WEBGPU_PIXELS, (largest or COMMON) // STEM, max(max_memory - PROGRAM, 0) // GRADIENT)
    return most if model.most_at_once is None else min(most, model.most_at_once)


def alike(tiles: Sequence[Tile], shape: tuple[int, int], size: int, halo: int, stride: int) -> list[Tile]:
    """Return the tiles of a picture of `shape` with windows that are all of one shape.

    The shape depends only on the numbers given: a core of `size`, the largest, with a halo on both sides, and
    as many pixels more as it takes for the last window to end where the picture does; or the whole of a
    shorter side.  `size`, `halo` and the cores' starts are multiples of `stride`; so are the windows' starts.
    """
    height, width = (_side(length, size, halo, stride) for length in shape)
    return [
        replace(
            tile,
            window=(
                _window(tile.core[0], shape[0], height, halo, stride),
                _window(tile.core[1], shape[1], width, halo, stride),
            ),
        )
        for tile in tiles
    ]


def _side(length: int, size: int, halo: int, stride: int) -> int:
    side = size + 2 * halo
    return min(length, side + (length - side) % stride)


def _window(core: slice, length: int, side: int, halo: int, stride: int) -> slice:
    """Return the window around a core along one axis; what it has to spare is shared between both sides."""
    spare = side - (core.stop - core.start) - 2 * halo
    start = core.start - halo - spare // 2 // stride * stride
    start = min(max(start, 0), length - side)
    return slice(start, start + side)


def evaluate(
    model: DreamModel,
    image: Image,
    tiles: Sequence[Tile],
    weights: NDArray[np.float32],
    most_pixels: int,
    targets: Targets | None = None,
    stop: Stop = NEVER,
) -> Iterator[tuple[Tile, float, Image, NDArray[np.float32]]]:
    """Yield each tile with its window's loss, raw gradient [h, w, 3] and energies [C].

    The windows have one shape.  As many are computed at once as have `most_pixels` together.  The last batch
    is filled up with a window that it already has, because fewer windows would be another shape.
    """
    rows, columns = tiles[0].window
    most = max(most_pixels // ((rows.stop - rows.start) * (columns.stop - columns.start)), 1)
    each = min(most, len(tiles))
    for first in range(0, len(tiles), each):
        batch = tiles[first : first + each]
        filled = [*batch, *[batch[-1]] * (each - len(batch))]
        images = np.stack([image[tile.window] for tile in filled])
        losses, gradients, energies = model.evaluate_many(images, weights, targets, stop)
        yield from zip(batch, map(float, losses), gradients, energies, strict=False)
