"""Adds the second objective: each position of a layer steers toward the given vector that it resembles most.

It is added to the converted graph, in ONNX: the layers' activations are there already, and so is the place
where the gradient of a layer's own loss begins.  Without targets, which are zeros then, the file computes
what it computed before, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engine.network import contract as metadata
from export.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Mapping

TINY_LENGTH = 1e-12
"""What a target's length is taken as at least: a target of zeros resembles nothing."""


@dataclass(frozen=True)
class _Layer:
    """Where the graph computes the loss of one layer."""

    inside: tuple[str, ...]
    """Its activations, in parts [N, c, h, w], zero at the border."""

    mask: str
    """One inside the border and zero on it, [1, 1, h, w]."""

    count: str
    """Elements of one picture's activations, a number."""

    slopes: tuple[onnx.NodeProto, ...]
    """What takes in the gradient of the layer's own loss, for each part."""


def add_targets(model: onnx.ModelProto, channels: Mapping[str, int]) -> None:
    """Add an input of targets for each layer, and what they do to loss and gradient.

    `channels` are those of each layer, by name.  Raises ConversionError where the graph is not what
    export/loss.py makes.
    """
    graph = model.graph
    new: list[onnx.NodeProto] = []
    losses = []
    for name, count in channels.items():
        new += _matching(graph, name, count, _find(graph, name))
        losses.append(f"{metadata.layer_targets(name)}/loss")
    squares = f"{metadata.LOSS}/squares"
    for node in graph.node:
        node.output[:] = [squares if x == metadata.LOSS else x for x in node.output]
    new.append(helper.make_node("Sum", [squares, *losses], [metadata.LOSS]))
    _insert(graph, new)


def _find(graph: onnx.GraphProto, name: str) -> _Layer:
    """Find a layer's loss, from its energies on; see export/loss.py."""
    producers = {output: node for node in graph.node for output in node.output}
    energies = producers[metadata.layer_energies(name)]
    while energies.op_type == "Identity":  # of one layer, all energies are its own, and tf2onnx copies either
        energies = producers[energies.input[0]]
    sums = producers[energies.input[0]]
    sums_of = list(sums.input) if sums.op_type == "Concat" else [energies.input[0]]
    squares = [producers[producers[x].input[0]] for x in sums_of]
    inside = tuple(x.input[0] for x in squares)
    masks = {producers[x].input[1] for x in inside}
    # Of what uses the activations inside the border, a multiplication by weights begins the way back.
    weighed = [
        node.output[0]
        for x in inside
        for node in graph.node
        if node.op_type == "Mul" and x in node.input and set(node.input) != {x}
    ]
    slopes = tuple(node for x in weighed for node in graph.node if x in node.input)
    kinds = [energies.op_type, *(x.op_type for x in squares), *(x.op_type for x in slopes)]
    if len(masks) != 1 or kinds != ["Div", *["Mul"] * len(inside), *["AveragePool"] * len(inside)]:
        raise ConversionError(f"the loss of {name} is not where it was expected")
    return _Layer(inside, masks.pop(), energies.input[1], slopes)


def _matching(graph: onnx.GraphProto, name: str, channels: int, layer: _Layer) -> list[onnx.NodeProto]:
    """Return the operations that match a layer's positions with its targets; add the input."""
    targets, activations = metadata.layer_targets(name), metadata.layer_activations(name)
    shape: list[str | int | None] = [f"M_{name}", channels]
    graph.input.append(helper.make_tensor_value_info(targets, TensorProto.FLOAT, shape))
    graph.initializer.append(numpy_helper.from_array(np.zeros((1, channels), np.float32), targets))

    def step(part: str) -> str:
        return f"{targets}/{part}"

    def constant(part: str, value: np.ndarray) -> str:
        graph.initializer.append(numpy_helper.from_array(value, step(part)))
        return step(part)

    widths = np.array([_channels(graph, x) for x in layer.inside], np.int64)
    flat = constant("flat", np.array([0, 0, -1], np.int64))
    shortest = constant("shortest", np.array(TINY_LENGTH, np.float32))
    rows, places = (constant(f"axes {x}", np.array(x, np.int64)) for x in ([1], [1, 2, 3]))
    nodes: list[tuple[str, list[str], list[str], dict[str, Any]]] = [
        ("Concat", [*layer.inside], [activations], {"axis": 1}),
        # Each position [N, C, h*w] with each target, by the cosine of the angle between them.
        ("ReduceL2", [targets, rows], [step("lengths")], {"keepdims": 1}),
        ("Max", [step("lengths"), shortest], [step("divisors")], {}),
        ("Div", [targets, step("divisors")], [step("directions")], {}),
        ("Reshape", [activations, flat], [step("positions")], {}),
        ("MatMul", [step("directions"), step("positions")], [step("likeness")], {}),
        ("ArgMax", [step("likeness")], [step("best")], {"axis": 1, "keepdims": 0}),
        ("Gather", [targets, step("best")], [step("picked")], {"axis": 0}),
        # The one that a position resembles most is its upstream gradient.
        ("Transpose", [step("picked")], [step("turned")], {"perm": [0, 2, 1]}),
        ("Shape", [activations], [step("shape")], {}),
        ("Reshape", [step("turned"), step("shape")], [step("placed")], {}),
        ("Mul", [step("placed"), layer.mask], [step("inside")], {}),
        ("Div", [step("inside"), layer.count], [step("upstream")], {}),
        ("Mul", [step("upstream"), activations], [step("products")], {}),
        ("ReduceSum", [step("products"), places], [step("loss")], {"keepdims": 0}),
    ]
    parts = [step(f"part {number}") for number in range(len(layer.inside))]
    if len(parts) > 1:
        nodes.append(("Split", [step("upstream"), constant("widths", widths)], parts, {"axis": 1}))
    else:
        parts = [step("upstream")]
    for pool, part in zip(layer.slopes, parts, strict=True):
        own, both = pool.input[0], f"{pool.input[0]}/with targets"
        nodes.append(("Add", [own, part], [both], {}))
        pool.input[0] = both
    return [helper.make_node(kind, takes, gives, **options) for kind, takes, gives, options in nodes]


def _channels(graph: onnx.GraphProto, tensor: str) -> int:
    for value in graph.value_info:
        if value.name == tensor:
            return int(value.type.tensor_type.shape.dim[1].dim_value)
    raise ConversionError(f"the shape of {tensor} is not known")


def _insert(graph: onnx.GraphProto, new: list[onnx.NodeProto]) -> None:
    """Add operations, and put all into an order in which each one's inputs come before it."""
    waiting = [*graph.node, *new]
    ready = {x.name for x in (*graph.input, *graph.initializer)} | {""}
    ordered: list[onnx.NodeProto] = []
    while waiting:
        later = []
        for node in waiting:
            if ready.issuperset(node.input):
                ordered.append(node)
                ready.update(node.output)
            else:
                later.append(node)
        if len(later) == len(waiting):
            raise ConversionError("the graph with targets has no order")
        waiting = later
    del graph.node[:]
    graph.node.extend(ordered)
