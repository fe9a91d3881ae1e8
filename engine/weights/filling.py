"""A template and a weights file become a model file, as `python -m export` would have made it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.errors import ModelError
from engine.network.contract import Metadata
from engine.network.graph import FLOAT, HALF, Graph, make_node, parse
from engine.weights.cutting import cut, describe
from engine.weights.instructions import KEY, SCALE, Instructions
from engine.weights.names import match
from engine.weights.verbs import Variables, as_stored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.weights.instructions import Filled
    from engine.weights.protocol import Weights

KERNEL_AXES: Final = 4
"""A tensor with as many axes is a kernel: only these are large enough to be stored as float16."""


def fill(template: bytes, weights: Weights, until: str | None = None, *, half: bool = False) -> bytes:
    """Return the content of a model file: a template with weights.

    Args:
        template: the content of a template, see `engine.weights.templates`.
        weights: of the template's network; layers that it does not have are not looked at.
        until: the deepest layer of the model; None for the template's last.
        half: store kernels as float16: half the size, a relative error of at most 0.05 % per value.

    Raises:
        WeightsError: which names the variable that is missing, of another shape, or not finite.
        UsageError: where the network has no layer `until`.
        ModelError: where the template is not one.
    """
    instructions, described = read_instructions(template)
    content = cut(template, until or described.layers[-1].name, instructions.min_sizes)
    model = parse(content)
    variables = Variables(weights, match(instructions, weights), described.network)
    empty = {x.name: x for x in model.graph.initializer}
    halves = []
    for tensor in instructions.tensors:
        if tensor.name not in empty:  # of a layer that was cut off
            continue
        if half and len(tensor.shape) == KERNEL_AXES:
            _put_half(model.graph, empty[tensor.name], tensor, variables)
            halves.append(tensor)
        else:
            _put(empty[tensor.name], as_stored(variables.make(tensor), "<f4", tensor.name))
    _widen(model.graph, halves)
    source = f"{weights.source}, kernels as float16" if half else weights.source
    describe(model, replace(Metadata.from_props(Graph(content).props), weights=source))
    _forget(model, KEY)
    result: bytes = model.SerializeToString()
    return result


def read_instructions(template: bytes) -> tuple[Instructions, Metadata]:
    """Return how a template is filled, and what it says about itself.

    Raises ModelError where it is not a template that this version knows.
    """
    try:
        props = Graph(template).props
        return Instructions.from_text(props[KEY]), Metadata.from_props(props)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"this is not a template that this version can fill: {error}") from error


def _put(tensor: Any, values: NDArray[Any]) -> None:
    """Set the values of an initializer, and with them its type and shape."""
    tensor.data_type = HALF if values.dtype == np.float16 else FLOAT
    tensor.dims[:] = values.shape
    tensor.raw_data = np.ascontiguousarray(values).tobytes()


def _put_half(graph: Any, empty: Any, tensor: Filled, variables: Variables) -> None:
    """Store a kernel before its batch norm's factor, which is stored beside it, as an export does.

    With the factor in it, a small one would cost its channel the bits that float16 does not have.
    """
    *steps, last = tensor.steps
    kernel = replace(tensor, steps=tuple(steps)) if last[0] == SCALE else tensor
    _put(empty, as_stored(variables.make(kernel), "<f2", tensor.name))
    if last[0] == SCALE:
        factor = variables.factor(last[1:], tensor.shape[-1])
        _put(graph.initializer.add(name=f"{tensor.name}/factor"), as_stored(factor, "<f4", tensor.name))


def _widen(graph: Any, halves: list[Filled]) -> None:
    """Make whatever reads one of these kernels read it as float32, times its factor."""
    stored = {x.name for x in graph.initializer}
    names = {x.name: f"{x.name}/full" for x in halves}
    for node in graph.node:
        node.input[:] = [names.get(x, x) for x in node.input]
    nodes = []
    for name, full in names.items():
        factor, unscaled = f"{name}/factor", f"{name}/unscaled"
        if factor in stored:
            nodes.append(make_node("Cast", [name], unscaled, to=FLOAT))
            nodes.append(make_node("Mul", [unscaled, factor], full))
        else:
            nodes.append(make_node("Cast", [name], full, to=FLOAT))
    count = len(graph.node)
    graph.node.extend([*nodes, *graph.node])  # each operation after what it reads
    del graph.node[:count]


def _forget(model: Any, key: str) -> None:
    """Remove an entry of the metadata."""
    for number in reversed(range(len(model.metadata_props))):
        if model.metadata_props[number].key == key:
            del model.metadata_props[number]
