"""A model split in two: the stem in small exact tiles, one on each processor, and the trunk all at once.

The stem, which is everything before the first layer, takes most of the memory and a third of the arithmetic,
but each of its positions sees only about thirty pixels.  So it is computed in tiles that overlap by that
much, and the result is exact: each position belongs to one tile, and what pixels get from the positions of
several tiles adds up.  Tiles fit into a processor's cache, and a processor with a tile of its own waits for
nobody.
docs/decisions/0007-parts.md says what that gains.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np

from engine.errors import ModelError
from engine.forks import Opened
from engine.network.contract import (
    CHANNEL_WEIGHTS,
    ENERGIES,
    GRADIENT,
    IMAGE,
    LOSS,
    STEM,
    STEM_GRADIENT,
    layer_activations,
)
from engine.network.fragment import as_array, as_tensor
from engine.network.parts import Parts, Tiles
from engine.network.spans import Span, cut_equally, cut_evenly
from engine.network.targets import NO_TARGETS, feeds_for, inside_of
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from numpy.typing import NDArray

    from engine.network.buffers import Buffers
    from engine.network.contract import Metadata
    from engine.network.targets import Targets
    from engine.stop import Stop

    Image: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class _Tile:
    """A tile of the stem between the way forward and the way back."""

    rows: Span
    columns: Span
    tensors: dict[str, Any]
    """Image and kept tensors, as the runtime holds them."""


class SplitModel:
    """Loss and gradient of windows of a picture, for some layers, on the CPU."""

    def __init__(
        self,
        content: bytes,
        metadata: Metadata,
        layers: Collection[str],
        threads: int,
        tiles: Opened[Tiles] | None = None,
        *,
        guided: bool = False,
    ) -> None:
        """Split a model file that describes its stem.

        What only layers outside `layers` and their blocks need is left out, and targets unless it is
        `guided`.  `tiles` are those of the same file, to be shared with others; None for tiles of its own.
        Raises ValueError where the content is not what its metadata say.
        """
        if metadata.stem is None:
            raise ValueError("the model file does not describe its stem")
        self._stem = metadata.stem
        self._threads = threads
        self._channels = metadata.channels
        layers = metadata.with_blocks(layers)
        self.layers = tuple(x for x in metadata.layers if x.name in layers)
        self._targeted = self.layers if guided else ()
        self._border = metadata.border
        tiles = tiles or Opened(partial(Tiles, content, metadata.stem))
        self._parts = Opened(partial(Parts, content, metadata, layers, threads, tiles, guided=guided))
        self._parts.get()

    @property
    def held_pixels(self) -> int:
        """Pixels of the largest window so far whose memory the next one uses again."""
        return self._parts.get().shelf.held_pixels

    def give_back(self) -> None:
        """Let go of the memory that no call is using."""
        parts = self._parts.now
        if parts is not None:
            parts.give_back()

    def close(self, refuse: Callable[[], NoReturn]) -> None:
        """Let go of sessions, threads and memory, see `Opened.close`; calls under way end first."""
        self._parts.close(refuse)

    def add_gradient(
        self,
        gradient: Image,
        image: Image,
        weights: NDArray[np.float32],
        window: tuple[slice, slice],
        core: tuple[slice, slice],
        targets: Targets = NO_TARGETS,
        stop: Stop = NEVER,
    ) -> tuple[float, NDArray[np.float32]]:
        """Add to `gradient` what the positions in `core` contribute to it; all are computed in `window`.

        `gradient` and `image` are [H, W, 3], `weights` [C] of all the model's channels, `targets` only for a
        guided one; `window` and `core` are rows and columns of pixels, their starts at multiples of the
        deepest layer's stride.  Returns the window's loss and its energies, those of `layers`.  Raises
        ModelError where the stem is not what the file says, Cancelled where `stop` is set.
        """
        window, core = self._to_window(window, image), self._to_positions(core, image)
        parts, spans = self._parts.get(), self._spans(image, window)
        with parts.shelf.taken(spans) as buffers:
            tiles, seen = self._look(parts, buffers, image, window, spans, stop)
            run = partial(self._think, parts, seen, weights, targets)
            loss, upstream, energies = run((LOSS, STEM_GRADIENT, ENERGIES), stop)
            _check_shape(LOSS, loss, (1,))
            _check_shape(STEM_GRADIENT, upstream, seen.shape)
            _check_shape(ENERGIES, energies, (1, sum(x.channels for x in self.layers)))
            upstream = _only(upstream, window, core)
            slopes = parts.map(lambda tile: self._backward(parts, tile, upstream, window, stop), tiles)
            for tile, slope in zip(tiles, slopes, strict=True):
                if slope is not None:
                    gradient[tile.rows.pixels, tile.columns.pixels] += slope
        return float(loss[0]), energies[0]

    def energies(self, image: Image, stop: Stop = NEVER) -> NDArray[np.float32]:
        """Return how much an image [H, W, 3] excites each channel of `layers`."""
        whole = (slice(0, image.shape[0]), slice(0, image.shape[1]))
        nothing = np.zeros(self._channels, np.float32)  # so that no tile goes the way back
        return self.add_gradient(np.zeros_like(image), image, nothing, whole, whole, stop=stop)[1]

    def activations(self, image: Image) -> dict[str, NDArray[np.float32]]:
        """Return what each layer makes of the places of an image [H, W, 3], [M, C], border left out.

        Only a guided one can say it.
        """
        window = self._to_window((slice(0, image.shape[0]), slice(0, image.shape[1])), image)
        parts, spans = self._parts.get(), self._spans(image, window)
        nothing = np.zeros(self._channels, np.float32)
        with parts.shelf.taken(spans) as buffers:
            _, seen = self._look(parts, buffers, image, window, spans, NEVER)
            names = [layer_activations(x.name) for x in self._targeted]
            found = self._think(parts, seen, nothing, NO_TARGETS, names, NEVER)
        return {
            layer.name: inside_of(x, layer, self._border)
            for layer, x in zip(self._targeted, found, strict=True)
        }

    def _look(
        self,
        parts: Parts,
        buffers: Buffers,
        image: Image,
        window: tuple[slice, slice],
        spans: list[tuple[Span, Span]],
        stop: Stop,
    ) -> tuple[list[_Tile], Image]:
        """Compute the stem of a window, in tiles; return these, and all of it [1, C, h, w]."""
        height, width = (x.stop - x.start for x in window)
        seen = buffers.whole((1, parts.seen_channels, height, width))

        def look(pair: tuple[Span, Span]) -> _Tile:
            tile = self._forward(parts, buffers, image, *pair, stop)
            rows, columns = tile.rows, tile.columns
            own = as_array(tile.tensors[STEM])[..., rows.shared :, columns.shared :]
            place = seen[(..., *_owned(tile, window))]
            _check_shape(STEM, own, place.shape)
            place[:] = own
            return tile

        tiles = list(parts.map(look, spans))
        buffers.held_pixels = max(buffers.held_pixels, height * width * self._stem.stride**2)
        return tiles, seen

    def _think(
        self,
        parts: Parts,
        seen: Image,
        weights: NDArray[np.float32],
        targets: Targets,
        outputs: Sequence[str],
        stop: Stop,
    ) -> list[NDArray[np.float32]]:
        """Compute outputs of the trunk from the stem's."""
        feeds = {STEM: seen, CHANNEL_WEIGHTS: weights, **feeds_for(self._targeted, targets)}
        tensors = {name: as_tensor(x) for name, x in feeds.items()}
        return [as_array(x) for x in parts.trunk.run(outputs, tensors, stop)]

    def seen_size(self, window: tuple[slice, slice], image: Image) -> tuple[int, int]:
        """Return height and width of a picture that has as many positions as a window."""
        rows, columns = self._to_window(window, image)
        return self._stem.size(rows.stop - rows.start), self._stem.size(columns.stop - columns.start)

    def _to_positions(self, area: tuple[slice, slice], image: Image) -> tuple[slice, slice]:
        """Return the stem's positions that begin in an area; at the picture's end, all that are left."""
        rows, columns = (
            slice(x.start // self._stem.stride, min(-(-x.stop // self._stem.stride), count))
            for x, count in zip(area, map(self._stem.positions, image.shape[:2]), strict=True)
        )
        return rows, columns

    def _to_window(self, area: tuple[slice, slice], image: Image) -> tuple[slice, slice]:
        """Return the positions that a window computes: those at the picture's end are never parted."""
        ends = [self._stem.positions(x) for x in image.shape[:2]]
        found = zip(self._to_positions(area, image), ends, strict=True)
        rows, columns = (
            slice(x.start, end if end - x.stop < self._stem.at_end else x.stop) for x, end in found
        )
        return rows, columns

    def _spans(self, image: Image, window: tuple[slice, slice]) -> list[tuple[Span, Span]]:
        height, width = image.shape[:2]
        rows: Sequence[Span]
        columns: Sequence[Span]
        if window == tuple(slice(0, self._stem.positions(size)) for size in (height, width)):
            rows, columns = cut_evenly(self._stem, (height, width), self._threads)
        else:
            rows = cut_equally(self._stem, window[0].start, window[0].stop, height)
            columns = cut_equally(self._stem, window[1].start, window[1].stop, width)
        return [(row, column) for row in rows for column in columns]

    @staticmethod
    def _forward(
        parts: Parts, buffers: Buffers, image: Image, rows: Span, columns: Span, stop: Stop
    ) -> _Tile:
        forward, _ = parts.tiles.get(rows, columns)
        view = as_tensor(np.ascontiguousarray(image[np.newaxis, rows.pixels, columns.pixels]))

        def tensors() -> dict[str, Any]:
            shapes = zip(parts.tiles.outputs, forward.output_shapes, strict=True)
            return {name: as_tensor(np.empty(shape, np.float32)) for name, shape in shapes}

        kept = buffers.of((rows, columns), tensors)
        forward.run_into(kept, {IMAGE: view}, stop)
        return _Tile(rows, columns, {IMAGE: view, **kept})

    def _backward(
        self, parts: Parts, tile: _Tile, upstream: Image, window: tuple[slice, slice], stop: Stop
    ) -> Image:
        _, backward = parts.tiles.get(tile.rows, tile.columns)
        own = np.array(upstream[(..., *_within(tile, window))], order="C")
        own[..., : tile.rows.shared, :] = 0
        own[..., : tile.columns.shared] = 0
        tensors = {name: tile.tensors[name] for name in (IMAGE, *self._stem.kept)}
        tensors[STEM_GRADIENT] = as_tensor(own)
        (slope,) = map(as_array, backward.run((GRADIENT,), tensors, stop))
        _check_shape(GRADIENT, slope, tuple(tile.tensors[IMAGE].shape()))
        whole: Image = slope[0]
        return whole


def _check_shape(name: str, values: NDArray[np.float32], shape: tuple[int, ...]) -> None:
    """Refuse a result that NumPy would stretch to fit, or not take at all."""
    if values.shape != shape:
        raise ModelError(
            f"the model is not what it says it is: its {name} has the shape {list(values.shape)}, "
            f"not {list(shape)}"
        )


def _within(tile: _Tile, window: tuple[slice, slice]) -> tuple[slice, slice]:
    """Return where a tile's positions are, counted from the window's first."""
    rows, columns = (
        slice(x.start - w.start, x.stop - w.start)
        for x, w in zip((tile.rows, tile.columns), window, strict=True)
    )
    return rows, columns


def _owned(tile: _Tile, window: tuple[slice, slice]) -> tuple[slice, slice]:
    """Return where the positions are that belong to this tile alone."""
    rows, columns = _within(tile, window)
    return (
        slice(rows.start + tile.rows.shared, rows.stop),
        slice(columns.start + tile.columns.shared, columns.stop),
    )


def _only(upstream: Image, window: tuple[slice, slice], core: tuple[slice, slice]) -> Image:
    """Return the gradient with zeros outside the core; `upstream` itself where the core is everything."""
    if window == core:
        return upstream
    rows, columns = (slice(c.start - w.start, c.stop - w.start) for c, w in zip(core, window, strict=True))
    kept = np.zeros_like(upstream)
    kept[..., rows, columns] = upstream[..., rows, columns]
    return kept
