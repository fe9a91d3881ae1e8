"""A model file cut after one of its layers: what an export up to that layer would have made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.errors import UsageError
from engine.network.contract import (
    CHANNEL_WEIGHTS,
    ENERGIES,
    OUTPUTS,
    PREFIX,
    Metadata,
    layer_activations,
    layer_energies,
    layer_targets,
    layer_weights,
)
from engine.network.graph import Graph, needed_for, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.network.contract import Layer

OPTIONAL: Final = frozenset(PREFIX + x for x in ("default_layers", "gradient_bytes", "stem"))
"""Entries of a description that are left out where there is nothing to say."""


def cut(content: bytes, until: str, min_sizes: Sequence[int]) -> bytes:
    """Return a model file without the layers behind `until`; `min_sizes` are those of a cut at each layer.

    Raises UsageError where the model has no such layer, and for one inside a block.
    """
    described = Metadata.from_props(Graph(content).props)
    names, main = [x.name for x in described.layers], described.main_layers
    if until not in main:
        where = "cannot be cut at" if until in names else "has no layer"
        raise UsageError(f"{described.network} {where} {until!r}", hint=f"choose from {', '.join(main)}")
    count = names.index(until) + 1
    if count == len(names):
        return content
    gone = [name(x) for x in names[count:] for name in (layer_weights, layer_energies, layer_targets)]
    model = parse(Graph(content).without(gone).content)
    _narrow(model.graph, described.layers[:count])
    _prune(model.graph, names[:count])
    cut_down = replace(
        described,
        layers=described.layers[:count],
        min_size=min_sizes[count - 1],
        default_layers={x: value for x, value in described.default_layers.items() if x in names[:count]},
    )
    describe(model, cut_down)
    result: bytes = model.SerializeToString()
    return result


def describe(model: Any, described: Metadata) -> None:
    """Put a description in the place of a model's own; what else its metadata hold stays."""
    kept = {x.key: x.value for x in model.metadata_props if x.key not in OPTIONAL}
    props = kept | described.to_props()
    del model.metadata_props[:]
    for key, value in props.items():
        model.metadata_props.add(key=key, value=value)


def _narrow(graph: Any, layers: Sequence[Layer]) -> None:
    """Make channel weights and energies as short as the channels of these layers together."""
    counts = [x.channels for x in layers]
    (split,) = (x for x in graph.node if CHANNEL_WEIGHTS in x.input)
    split.output[:] = [layer_weights(x.name) for x in layers]
    (sizes,) = (x for x in graph.initializer if x.name == split.input[1])
    sizes.dims[:], sizes.raw_data = [len(counts)], np.array(counts, "<i8").tobytes()
    for value in (*graph.input, *graph.output):
        if value.name in {CHANNEL_WEIGHTS, ENERGIES}:
            value.type.tensor_type.shape.dim[-1].dim_value = sum(counts)


def _prune(graph: Any, names: Sequence[str]) -> None:
    """Remove what neither an output needs nor, as a layer's activations are, an engine may ask for."""
    inputs = {x.name for x in graph.input}
    needed = needed_for(graph, (*OUTPUTS, *map(layer_activations, names)), inputs) | inputs
    for field in (graph.initializer, graph.value_info):
        _keep(field, lambda x: x.name in needed)
    _keep(graph.node, lambda node: not needed.isdisjoint(node.output))


def _keep(field: Any, wanted: Callable[[Any], bool]) -> None:
    """Delete the others; from the end, so that the numbers of those before it stay."""
    for number in reversed(range(len(field))):
        if not wanted(field[number]):
            del field[number]
