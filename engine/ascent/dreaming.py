"""A dream's order, and the ascent that it makes of a picture: what objective, which controls, how cut."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from engine.ascent import ascent, controls, tiles
from engine.ascent.guide import energies_of, steered
from engine.ascent.on_device import DeviceClimber
from engine.pictures.rows import bands
from engine.settings.tiling import Tiling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from engine.ascent.ascent import Climber
    from engine.ascent.masks import Mask
    from engine.ascent.step import Step
    from engine.network.model import DreamModel
    from engine.pictures.rows import Rows
    from engine.settings.config import DreamConfig
    from engine.settings.origin import Origin


@dataclass(frozen=True, eq=False)
class Guide:
    """A picture to steer toward."""

    picture: Rows
    """[H, W, 3] in the model's range."""

    origin: Origin | None = None
    """Where it comes from; None where nobody knows."""


@dataclass(frozen=True, eq=False)
class Order:
    """What shall be dreamed of, how; fit for any number of pictures."""

    weights: NDArray[np.float32]
    """The objective: one factor for each channel of the model, [C], before a guide steers it."""

    config: DreamConfig
    """The settings."""

    tiling: Tiling = field(default_factory=Tiling)
    """How large pictures are cut."""

    guide: NDArray[np.float32] | None = None
    """How much a guide excites each channel, [C]; None without one."""

    mask: Mask | None = None
    """Where to dream; everywhere for None."""

    guide_from: Origin | None = None
    """Where the guide comes from; None where nobody knows."""


def order_for(
    model: DreamModel,
    config: DreamConfig,
    tiling: Tiling | None = None,
    *,
    guide: Guide | None = None,
    mask: Mask | None = None,
) -> Order:
    """Return what shall be dreamed of.

    Raises UsageError for a layer or channel that the model has not, ImageError for a guide that is too small.
    """
    order = Order(model.channel_weights(config.layers), config, tiling or Tiling(), mask=mask)
    if guide is None:
        return order
    return replace(order, guide=energies_of(model, guide.picture), guide_from=guide.origin)


def settled(order: Order, model: DreamModel, shape: tuple[int, int], *, held: int = 0) -> Order:
    """Return the order for a picture of `shape`, in which nothing is left to chance: see `tiles.settled`.

    `held` as for `ascend`.
    """
    return replace(order, tiling=tiles.settled(model, order.tiling, shape, held + _held(order)))


def ascend(
    picture: Rows,
    order: Order,
    model: DreamModel,
    alpha: NDArray[np.uint8] | None = None,
    *,
    held: int = 0,
) -> Iterator[Step]:
    """Dream on a picture, [H, W, 3] in the model's range, and yield a Step for each evaluation.

    `alpha`, [H, W], is its opacity, for a mask that asks for it.  `held` are bytes per pixel that the picture
    itself takes above those of 8 bits.  What a mask leaves out stays as it is,
    bit for bit.  All that can be refused is refused at the call: raises ImageError for a picture that is
    too small or too large, and for a mask of other proportions.
    """
    config, shape = order.config, _shape(picture)
    weights = order.weights
    if order.guide is not None:
        weights = steered(model, weights, order.guide, energies_of(model, picture))
    held += _held(order)
    gradient = tiles.gradient(model, weights, order.tiling, shape, config.seed, held)
    mask = None if order.mask is None else order.mask.rows(shape, alpha, config.feather)
    return ascent.ascend(
        picture,
        _climber(model, gradient, replace(order, weights=weights), picture, mask),
        config,
        min_size=model.metadata.min_size,
        share=config.blend if mask is None else _Share(mask, config.blend),
    )


def _climber(
    model: DreamModel, gradient: tiles.TiledGradient, order: Order, original: Rows, mask: Rows | None = None
) -> Climber:
    """Return what makes the steps of an ascent, for `ascent.ascend`.

    On a GPU pictures that are computed whole stay there, unless a control wants to see them; all others are
    Rows whose gradient comes to the host at each step.
    """
    config = order.config
    climb = partial(
        ascent.climb,
        gradient=controls.decorated(gradient, config, mask),
        config=config,
        pull=controls.pull_of(config, original, mask),
        limits=model.metadata.value_range if config.clip else None,
        area=1.0 if mask is None else _mean(mask),
    )

    def on_host(image: Rows) -> tuple[Rows, float, float, bool]:
        return climb(image[:])

    if model.device == "cpu" or mask is not None or controls.any_in(config):
        return on_host
    on_device = DeviceClimber(model, order.weights, config)
    return lambda image: (on_host if gradient.cuts(_shape(image)) else on_device)(image)


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


def _held(order: Order) -> int:
    """Return how many bytes per pixel the controls hold."""
    return controls.bytes_per_pixel(order.config, masked=order.mask is not None)


def _shape(picture: Rows) -> tuple[int, int]:
    return picture.shape[0], picture.shape[1]


def _mean(mask: Rows) -> float:
    """Return the mean of a mask; 1 for one that shows nothing, where it does not matter."""
    total = sum(float(mask[rows].sum(dtype=np.float64)) for rows in bands(mask.shape))
    return total / (mask.shape[0] * mask.shape[1]) or 1.0
