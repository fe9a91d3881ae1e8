"""What is to be dreamed of, and how: fit for any number of pictures, and settled for none of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.ascent.guide import energies_of, places_of
from engine.settings.tiling import Tiling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.ascent.masks import Mask
    from engine.network.model import DreamModel
    from engine.network.targets import Targets
    from engine.pictures.rows import Rows
    from engine.settings.config import DreamConfig
    from engine.settings.origin import Origin


@dataclass(frozen=True, eq=False)
class Guide:
    """A picture to steer toward."""

    picture: Rows
    """[H, W, 3] in the model's range."""

    origin: Origin | None = None
    """Where it comes from; None if unknown."""


@dataclass(frozen=True, eq=False)
class Order:
    """What is to be dreamed of, and how."""

    weights: NDArray[np.float32]
    """The objective: one factor for each channel of the model, [C], before a guide steers it."""

    config: DreamConfig
    """The settings."""

    tiling: Tiling = field(default_factory=Tiling)
    """How large pictures are cut."""

    guide: NDArray[np.float32] | None = None
    """How much a guide excites each channel, [C]; None without one."""

    places: Targets | None = None
    """What each layer makes of the guide's places, [M, C]; None where they are not followed."""

    mask: Mask | None = None
    """Where to dream; everywhere for None."""

    guide_from: Origin | None = None
    """Where the guide comes from; None if unknown."""


def order_for(
    model: DreamModel,
    config: DreamConfig,
    tiling: Tiling | None = None,
    *,
    guide: Guide | None = None,
    mask: Mask | None = None,
) -> Order:
    """Return what is to be dreamed of.

    Raises UsageError for a layer or channel that the model does not have, and for a guide's places where its
    file knows no targets, ImageError for a guide that is too small.
    """
    order = Order(model.channel_weights(config.layers), config, tiling or Tiling(), mask=mask)
    if guide is None:
        return order
    layers = model.weighed_layers(order.weights)
    places = places_of(model, guide.picture, layers) if config.guide_places else None
    energies = energies_of(model, guide.picture, layers, guided=config.guide_places)
    return replace(order, guide=energies, places=places, guide_from=guide.origin)
