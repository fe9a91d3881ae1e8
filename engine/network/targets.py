"""Targets: vectors that the positions of layers are steered toward, each toward the one that it resembles.

docs/model-file.md says what a model computes of them.  Files of schema 1 know nothing of targets.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.errors import ModelError
from engine.network.contract import (
    CHANNEL_WEIGHTS,
    IMAGE,
    OUTPUTS,
    layer_activations,
    layer_targets,
)
from engine.network.graph import Graph

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.network.contract import Layer, Metadata

Targets: TypeAlias = Mapping[str, NDArray[np.float32]]
"""By layer: one vector in each row, [M, C]."""

NO_TARGETS: Final[Targets] = MappingProxyType({})


def feeds_for(layers: Iterable[Layer], targets: Targets) -> dict[str, NDArray[np.float32]]:
    """Return what the inputs of some layers take; zeros where there are no targets."""
    return {
        layer_targets(x.name): np.ascontiguousarray(
            targets.get(x.name, np.zeros((1, x.channels), np.float32)), np.float32
        )
        for x in layers
    }


def inside_of(activations: NDArray[np.float32], layer: Layer, border: int) -> NDArray[np.float32]:
    """Return the vectors of a layer's positions inside the border, [M, C], from [1, C, h, w].

    Raises ModelError where that is not their shape.
    """
    if activations.ndim != 4 or activations.shape[:2] != (1, layer.channels):
        raise ModelError(
            f"the model is not what it says it is: the activations of {layer.name} have the shape "
            f"{list(activations.shape)}"
        )
    height, width = activations.shape[2:]
    inside = activations[0, :, border : max(height - border, 0), border : max(width - border, 0)]
    return np.ascontiguousarray(inside.reshape(layer.channels, -1).T)


def stripped(graph: Graph, metadata: Metadata) -> bytes:
    """Return a model file's content without what targets add to it."""
    return graph.without(layer_targets(x.name) for x in metadata.layers).content


def guided(content: bytes, metadata: Metadata) -> bytes:
    """Return a whole model that takes targets for every layer, and gives the activations of each.

    Raises ValueError where the content is not what its metadata say.
    """
    names = [x.name for x in metadata.layers]
    inputs: dict[str, tuple[int | str, ...]] = {
        IMAGE: ("N", "H", "W", 3),
        CHANNEL_WEIGHTS: (metadata.channels,),
        **{layer_targets(x.name): (f"M_{x.name}", x.channels) for x in metadata.layers},
    }
    return Graph(content).part(inputs, [*OUTPUTS, *map(layer_activations, names)])
