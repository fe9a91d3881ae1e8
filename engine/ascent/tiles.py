"""Pictures of any size: whole as long as memory allows, otherwise in tiles without a seam.

A tile's gradient is true only away from its borders.  So each tile is computed with a halo around the core
that it answers for, and the grid of cores moves at every step, so that what is left of the error averages
out.  The network's own grid is kept: tiles begin at multiples of its stride.  The ascent normalises the whole
gradient as always; it knows nothing of tiles.  A moving grid is known from google/deepdream and TensorFlow's
tutorial; docs/decisions/0006-tiles.md says what was measured.

These tiles bound memory.  The smaller, exact ones that a CPU works through inside them are in
engine/network/split.py.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from engine.ascent import memory, windows
from engine.ascent.grid import THINNEST, grid
from engine.ascent.memory import Load
from engine.network import ort
from engine.network.targets import NO_TARGETS
from engine.settings.tiling import Tiling
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from engine.ascent.grid import Tile
    from engine.network.contract import Layer
    from engine.network.model import DreamModel
    from engine.network.targets import Targets
    from engine.stop import Stop

    Image: TypeAlias = NDArray[np.float32]

log = logging.getLogger(__name__)

PLASTIC: Final = np.array([0.7548776662466927, 0.5698402909980532])
"""What the grid moves by at each step, in cores: powers of 1 / 1.3247…, the plastic number.

Of all sequences this one spreads a few places most evenly (Roberts, "The Unreasonable Effectiveness of
Quasirandom Sequences", 2018); places drawn at random leave some borders beside each other.
"""

LARGE: Final = 832
"""Side of the cores that large pictures are cut into, at most: 24 megapixels then take less than 1.5 GB, and
larger ones would gain little speed."""


def settled(
    model: DreamModel, tiling: Tiling, shape: tuple[int, int], load: Load | None = None
) -> int | None:
    """Return the side of the cores that a picture of `shape` is cut into, None where it is computed whole.

    What memory is free decides here, once.  `load` is what the dream holds besides.  Raises ImageError where
    the picture does not fit.
    """
    load = load or Load(shape[0] * shape[1])
    size = tile_size(model, tiling, shape, load)
    way_out = "leave out --tile" if tiling.size != "auto" else "give fewer --threads"
    memory.check(model, shape, load, window_of(size, tiling, load), way_out)
    return size


def window_of(size: int | None, tiling: Tiling, load: Load) -> int:
    """Return how many pixels are computed at once, at most, in tiles of `size`, None for no tiles."""
    if size is None:
        return load.pixels
    return min((size + THINNEST + 2 * tiling.halo_of(size)) ** 2, load.pixels)


def least(model: DreamModel, tiling: Tiling, load: Load) -> int:
    """Return the bytes that a dream takes at least, the program included, in as small tiles as there are."""
    size = None if tiling.size == "off" else Tiling.SMALLEST if tiling.size == "auto" else int(tiling.size)
    return memory.PROGRAM + memory.needed(model, load, window_of(size, tiling, load))


def tile_size(
    model: DreamModel, tiling: Tiling, shape: tuple[int, int], load: Load | None = None
) -> int | None:
    """Return what `settled` returns, without checking that it fits.

    Octaves that are not larger than one core with its halo are computed whole all the same.  The picture's
    size and `tiling` decide, so that the same order gives the same picture; only where too little memory is
    free are tiles smaller.
    """
    if tiling.size != "auto":
        return None if tiling.size == "off" else int(tiling.size)
    pixels, load = shape[0] * shape[1], load or Load(shape[0] * shape[1])
    if model.device != "cpu":
        fits = windows.at_once(model, tiling.max_memory)
    else:
        fits = memory.fitting_window(memory.budget(model, tiling.max_memory), model, load)
    return None if pixels <= fits else _within(fits, tiling, _largest(model))


def _within(pixels: int, tiling: Tiling, largest: int) -> int:
    """Return the side of cores whose windows have at most so many pixels."""
    side = int(pixels**0.5)
    return min(max(side - THINNEST - 2 * tiling.halo_of(side), Tiling.SMALLEST), largest)


def _largest(model: DreamModel) -> int:
    """Return the side of the largest cores."""
    return LARGE if model.device == "cpu" else Tiling.GPU_SIZE


def limits(model: DreamModel, tiling: Tiling) -> dict[str, int | None]:
    """Say how pictures are cut, for people and programs, whatever memory is free at the moment.

    `whole_pixels`: octaves up to that size are computed whole, None for any; `tile` and `halo`: the
    largest core of the others, and what is computed around it.
    """
    if tiling.size == "off":
        return {"whole_pixels": None, "tile": None, "halo": None}
    size = _largest(model) if tiling.size == "auto" else int(tiling.size)
    whole = (size + 2 * tiling.halo_of(size)) ** 2
    if tiling.size == "auto":
        most = memory.fitting_pixels(tiling.max_memory, model)
        whole = windows.at_once(model, tiling.max_memory) if model.device != "cpu" else most
    return {"whole_pixels": whole, "tile": size, "halo": tiling.halo_of(size)}


def gradient(
    model: DreamModel,
    weights: NDArray[np.float32],
    tiling: Tiling,
    size: int | None,
    seed: int,
    targets: Targets | None = None,
    stop: Stop = NEVER,
) -> TiledGradient:
    """Return the `ascent.Gradient` of an objective, cut into cores of `size`, None for any picture whole.

    `weights` are one for each of the model's channels; `seed` is where the grid's places come from.  With
    `targets`, the loss in tiles is theirs alone.  Once `stop` is set, the gradient raises Cancelled, in the
    midst of a tile too.
    """
    return TiledGradient(model, weights, tiling, size, seed, targets, stop)


class TiledGradient:
    """The gradient of a picture of any size: whole where it is small, in tiles where it is large."""

    def __init__(
        self,
        model: DreamModel,
        weights: NDArray[np.float32],
        tiling: Tiling,
        size: int | None = None,
        seed: int = 0,
        targets: Targets | None = None,
        stop: Stop = NEVER,
    ) -> None:
        """Make the gradient of an objective, cut into cores of `size`; None computes any picture whole."""
        self._model = model
        self._weights = weights
        self._targets = targets
        self._stop = stop
        layers = {*model.weighed_layers(weights), *(targets or ())}
        self._split = model.split_for(layers, guided=targets is not None)
        self._seen = self._split.layers if self._split else model.metadata.layers
        self._places = model.channels_of([x.name for x in self._seen])
        self._tiling = tiling
        self._size, self._halo = size, tiling.halo_of(size or 0)
        self._stride = max(layer.stride for layer in model.metadata.layers)
        self._place = np.random.default_rng(seed).random(2)
        self._most = windows.at_once(model, tiling.max_memory)

    def __call__(self, image: Image) -> tuple[float, Image]:
        """Return loss and raw gradient of an image [H, W, 3], as an `ascent.Gradient` does.

        In tiles the loss is estimated: each tile's mean energy, weighted with the size of its core.
        Where the memory of a GPU runs out, less is computed at once from then on, if it may be.
        """
        while True:
            try:
                return self._computed(image)
            except ort.Full:
                if not self._lessen(image.shape[0] * image.shape[1]):
                    raise

    def _computed(self, image: Image) -> tuple[float, Image]:
        shape = (image.shape[0], image.shape[1])
        whole = (slice(0, shape[0]), slice(0, shape[1]))
        gradient = np.zeros_like(image)
        if self.cuts(shape):
            add = self._add_batches if self._split is None else self._add_windows
            return sum(add(gradient, image, self._grid(shape))), gradient
        if self._split is not None:
            targets = self._targets or NO_TARGETS
            loss, _ = self._split.add_gradient(
                gradient, image, self._weights, whole, whole, targets, self._stop
            )
            return loss, gradient
        loss, slope, _ = self._model.evaluate(image, self._weights, self._targets, self._stop)
        return loss, slope

    def _lessen(self, pixels: int) -> bool:
        """Halve what a GPU computes at once of so many pixels, and tell whether that is possible."""
        smallest = window_of(Tiling.SMALLEST, self._tiling, Load(pixels))
        if self._model.device == "cpu" or self._tiling.size != "auto" or min(self._most, pixels) <= smallest:
            return False
        self._most = self._model.most_at_once = max(min(self._most, pixels) // 2, smallest)
        self._size = _within(self._most, self._tiling, Tiling.GPU_SIZE)
        self._halo = self._tiling.halo_of(self._size)
        self._model.renew()  # the runtime keeps the memory of all that it has computed, for more of the same
        log.warning("the GPU's memory is full: now it computes %d pixels at once", self._most)
        return True

    def cuts(self, shape: tuple[int, int]) -> bool:
        """Tell whether a picture of `shape` is computed in tiles."""
        return self._size is not None and shape[0] * shape[1] > (self._size + 2 * self._halo) ** 2

    def _grid(self, shape: tuple[int, int]) -> list[Tile]:
        stride = self._stride
        size, halo = self._rounded()
        self._place = (self._place + PLASTIC) % 1
        down, across = (int(part * size) // stride * stride for part in self._place)
        return grid(shape, size, halo, (down, across))

    def _rounded(self) -> tuple[int, int]:
        """Return size and halo, rounded up to multiples of the deepest stride."""
        size, halo = (-(-side // self._stride) * self._stride for side in (self._size or 0, self._halo))
        return size, halo

    def _add_windows(self, gradient: Image, image: Image, tiles: list[Tile]) -> Iterator[float]:
        """Add window after window to the gradient, in parts; yield each one's share of the loss."""
        assert self._split is not None  # noqa: S101 - for the type checker
        for tile in tiles:
            size = self._seen_size(tile.window, image)
            weights, targets = self._scaled(size, image)
            loss, energies = self._split.add_gradient(
                gradient, image, weights, tile.window, tile.core, targets or NO_TARGETS, self._stop
            )
            yield self._share(loss, energies, tile, size, image)

    def _add_batches(self, gradient: Image, image: Image, tiles: list[Tile]) -> Iterator[float]:
        """Add windows of one shape, several at once, by the whole model; yield each one's share."""
        size, halo = self._rounded()
        same = windows.alike(tiles, (image.shape[0], image.shape[1]), size + THINNEST, halo, self._stride)
        window = self._seen_size(same[0].window, image)
        weights, targets = self._scaled(window, image)
        evaluated = windows.evaluate(self._model, image, same, weights, self._most, targets, self._stop)
        for tile, loss, slope, energies in evaluated:
            gradient[tile.core] += slope[tile.inside]
            yield self._share(loss, energies, tile, window, image)

    def _scaled(self, size: tuple[int, int], image: Image) -> tuple[NDArray[np.float32], Targets | None]:
        """Return weights and targets for a window: the model divides by its own element counts."""
        weights = self._weights.copy()
        weights[self._places] *= self._positions(size)[0] / self._positions(image.shape)[0]
        if self._targets is None:
            return weights, None
        shares = {x.name: _count(x, size, 0) / _count(x, image.shape, 0) for x in self._seen}
        return weights, {name: x * np.float32(shares[name]) for name, x in self._targets.items()}

    def _share(
        self,
        loss: float,
        energies: NDArray[np.float32],
        tile: Tile,
        size: tuple[int, int],
        image: Image,
    ) -> float:
        """Return what a tile contributes to the loss: its mean energy, weighted with the size of its core.

        Of targets, the core's share of its window's loss.
        """
        count, inside = self._positions(size)
        whole_count, whole_inside = self._positions(image.shape)
        mean = energies * count / np.maximum(inside, 1)
        core = image[tile.core]
        if self._targets is not None:
            return float(loss * core.shape[0] * core.shape[1] / (size[0] * size[1]))
        share = core.shape[0] * core.shape[1] / (image.shape[0] * image.shape[1])
        weighted = self._weights[self._places] * mean * (whole_inside / whole_count)
        return float(weighted.sum() * share)

    def _seen_size(self, window: tuple[slice, slice], image: Image) -> tuple[int, int]:
        """Return the size of a picture that has as many positions as a window."""
        if self._split is not None:
            return self._split.seen_size(window, image)
        rows, columns = window
        return rows.stop - rows.start, columns.stop - columns.start

    def _positions(self, shape: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Estimate each seen channel's positions in its layer at that size: all, and inside the border."""
        border = self._model.metadata.border
        counts = [_count(layer, shape, 0) for layer in self._seen]
        insides = [_count(layer, shape, border) for layer in self._seen]
        repeats = [layer.channels for layer in self._seen]
        return np.repeat(counts, repeats).astype(np.float32), np.repeat(insides, repeats).astype(np.float32)


def _count(layer: Layer, shape: tuple[int, ...], border: int) -> float:
    """Estimate a layer's positions; convolutions without padding take about two at each axis."""
    down, across = (max(side / layer.stride - 2 - 2 * border, 0) for side in shape[:2])
    return down * across
