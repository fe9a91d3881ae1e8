"""One picture and its order, settled: the way that every picture takes, wherever it comes from.

The library, a batch, a gallery, a film and an editor's frame differ in where their pixels come from and where
they go.  Between the two there is a `Work`.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from engine import machine
from engine.ascent import ascent, controls, guide, memory, tiles
from engine.ascent.focus import Focus
from engine.ascent.octaves import bounded
from engine.ascent.on_device import DeviceClimber
from engine.errors import DeviceError
from engine.network import ort
from engine.pictures.rows import bands
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from engine.ascent.ascent import Climber
    from engine.ascent.focus import Part
    from engine.ascent.order import Order
    from engine.ascent.step import Step
    from engine.files.limits import Announced
    from engine.network.model import DreamModel
    from engine.network.targets import Targets
    from engine.pictures.rows import Rows
    from engine.settings.config import DreamConfig
    from engine.settings.tiling import Tiling
    from engine.stop import Stop


@dataclass(frozen=True, eq=False)
class Work:
    """All that is left is to climb: `Work.settle(...)` has decided everything else."""

    picture: Rows
    """[H, W, 3] in the model's range."""

    order: Order
    """What is dreamed of, and how."""

    model: DreamModel
    """What computes."""

    tile: int | None
    """Side of the tiles that the picture is cut into, in pixels; None where it is computed whole."""

    mask: Rows | None
    """Where to dream, [H, W, 1], 0 to 1; None for everywhere."""

    part: Part | None = None
    """What is seen of the dream; None for all of it.  What `steps` make of the rest is no dream."""

    @classmethod
    def settle(
        cls,
        picture: Rows,
        order: Order,
        model: DreamModel,
        alpha: NDArray[np.uint8] | None = None,
        *,
        held: int = 0,
        part: Part | None = None,
    ) -> Work:
        """Settle an order for a picture, [H, W, 3] in the model's range.

        What memory is free decides here, once, how the picture is cut.  `alpha`, [H, W], is its opacity, for
        a mask that asks for it.  `part` is what is seen of the dream, None for all.  `held` are bytes per
        pixel that the picture itself takes above those of 8 bits.  Raises ImageError for a picture that is
        too large, and for a mask of other proportions.
        """
        shape, config = _shape(picture), order.config
        computed, load = loaded(order, model, shape, 3 + held + (0 if alpha is None else 2))
        memory.check_promise(shape, tiles.least(model, order.tiling, load), order.tiling.promised)
        tile = tiles.settled(model, order.tiling, computed, load)
        mask = None if order.mask is None else order.mask.rows(shape, alpha, config.feather)
        return cls(picture, order, model, tile, mask, part)

    def on(self, picture: Rows, config: DreamConfig) -> Work:
        """Return the same work on another picture of the same shape, with settings of the same memory."""
        return replace(self, picture=picture, order=replace(self.order, config=config))

    @property
    def tiling(self) -> Tiling:
        """How the picture is cut: if it is, `size` is that of its tiles, whatever was asked for."""
        return self.order.tiling if self.tile is None else replace(self.order.tiling, size=self.tile)

    def steps(self, stop: Stop = NEVER) -> Iterator[Step]:
        """Dream, and yield a Step for each evaluation of the gradient; the last one's image is the dream.

        What a mask leaves out stays as it is, bit for bit.  Raises ImageError, at the call, for a picture
        that is too small, and Cancelled within milliseconds once `stop` is set.
        """
        config = self.order.config
        weights, targets = self._objective(stop)
        steps = ascent.ascend(
            self.picture,
            self._climber(weights, targets, stop),
            config,
            min_size=self.model.metadata.min_size,
            share=config.blend if self.mask is None else _Share(self.mask, config.blend),
            stop=stop,
        )
        return self._renewing(steps)

    def _renewing(self, steps: Iterator[Step]) -> Iterator[Step]:
        """Have the next dream open the model anew where a GPU failed: what is open cannot be relied on."""
        try:
            yield from steps
        except (DeviceError, ort.Full) as error:
            each: BaseException | None = error
            while each is not None:  # whoever keeps it shall keep nothing on the GPU
                traceback.clear_frames(each.__traceback__)
                each = each.__cause__ or each.__context__
            self.model.renew()
            raise

    def alone(self, stop: Stop = NEVER) -> Iterator[Step]:
        """Return the steps of a picture that no other follows at once.

        What reading a large one left goes back to the system before, and what they took after, so that
        its result finds room.
        """
        steps = self.steps(stop)  # which raises at the call
        height, width = _shape(self.picture)
        return self._giving_back(steps) if height * width > memory.SMALL else steps

    def _giving_back(self, steps: Iterator[Step]) -> Iterator[Step]:
        machine.release_memory()
        try:
            yield from steps
        finally:
            self.model.give_back()

    def _objective(self, stop: Stop) -> tuple[NDArray[np.float32], Targets | None]:
        """Return the channel weights of this dream, and the targets that take their place, if any."""
        weights, order = self.order.weights, self.order
        if order.guide is None:
            return weights, None
        layers, guided = self.model.weighed_layers(weights), order.places is not None
        own = guide.energies_of(self.model, self.picture, layers, guided=guided, stop=stop)
        weights = guide.steered(self.model, weights, order.guide, own)
        if order.places is None:
            return weights, None
        return np.zeros_like(weights), guide.aimed(self.model, weights, order.places)

    def _climber(self, weights: NDArray[np.float32], targets: Targets | None, stop: Stop) -> Climber:
        """Return what makes the steps of an ascent toward weighed channels or targets, for `ascent.ascend`.

        On a GPU pictures that are computed whole stay there, unless a control wants to see them; all others
        are Rows whose gradient comes to the host at each step.
        """
        model, mask, config = self.model, self.mask, self.order.config
        gradient = tiles.gradient(model, weights, self.order.tiling, self.tile, config.seed, targets, stop)
        limits = model.metadata.value_range if config.clip else None
        area = 1.0 if mask is None else _mean(mask)
        if self.part is not None:
            return Focus(
                self.picture, self.part, gradient, config,
                mask=mask, area=area, limits=limits, smallest=model.metadata.min_size, stop=stop,
            )  # fmt: skip
        climb = partial(
            ascent.climb,
            gradient=controls.decorated(gradient, config, mask, stop),
            config=config,
            pull=controls.pull_of(config, self.picture, mask, stop),
            limits=limits,
            area=area,
            stop=stop,
        )

        def on_host(image: Rows) -> tuple[Rows, float, float, bool]:
            return climb(image[:])

        on_host_only = mask is not None or targets is not None or controls.any_in(config)
        if model.device == "cpu" or on_host_only:
            return on_host
        return _Either(partial(DeviceClimber, model, weights, config, stop), on_host, gradient.cuts)


class _Either:
    """Makes the steps of what is computed whole on the GPU, and all others on the host."""

    def __init__(
        self, make: Callable[[], Climber], on_host: Climber, cuts: Callable[[tuple[int, int]], bool]
    ) -> None:
        self._make, self._on_host, self._cuts = make, on_host, cuts
        self._on_device: Climber | None = None

    def __call__(self, image: Rows) -> tuple[Rows, float, float, bool]:
        """Make a step; the host gets what the GPU's memory does not hold, and cuts it, if it may."""
        if not self._cuts(_shape(image)):
            self._on_device = self._on_device or self._make()
            try:
                return self._on_device(image)
            except ort.Full:
                self._on_device = None  # with all that it has on the GPU
        return self._on_host(image)


def loaded(
    order: Order, model: DreamModel, shape: tuple[int, int], own: int
) -> tuple[tuple[int, int], memory.Load]:
    """Return the shape that is computed, margin included, and what a dream of a picture of `shape` holds.

    `own` are the bytes per pixel of the picture itself.
    """
    config, masked = order.config, order.mask is not None
    height, width = (side + 2 * config.margin for side in bounded(shape, config.max_size))
    held = controls.bytes_per_pixel(config, masked=masked)
    if order.places is not None:
        held += guide.bytes_per_pixel(model, order.places)
    return (height, width), memory.Load(height * width, held, shape[0] * shape[1] * (own + masked))


def admit(order: Order, model: DreamModel, announced: Announced) -> None:
    """Raise ImageError for a picture that takes more memory to read, dream on or save than is promised."""
    shape, promised = announced.shape, order.tiling.promised
    _, load = loaded(order, model, shape, announced.own)
    ends = memory.at_ends(load, shape[0] * shape[1], announced.reading, announced.own)
    memory.check_promise(shape, max(ends, tiles.least(model, order.tiling, load)), promised)


@dataclass(frozen=True, eq=False)
class _Share:
    """A mask times a blend, as Rows."""

    mask: Rows
    blend: float

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W, 1)."""
        return self.mask.shape

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]:
        return self.mask[rows] * np.float32(self.blend)


def _shape(picture: Rows) -> tuple[int, int]:
    return picture.shape[0], picture.shape[1]


def _mean(mask: Rows) -> float:
    """Return the mean of a mask; 1 for one that shows nothing, where it does not matter."""
    total = sum(float(mask[rows].sum(dtype=np.float64)) for rows in bands(mask.shape))
    return total / (mask.shape[0] * mask.shape[1]) or 1.0
