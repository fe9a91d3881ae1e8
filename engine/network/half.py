"""A model in half precision: float16 where the work is, float32 where float16 is not enough.

ONNX Runtime has no switch for this, so the graph is rewritten when a model is opened.  A float16 has 11 bits
and ends at 65504; below 6e-5 it loses bits, and below 6e-8 it is zero.  So sums, the loss and the places of
maxima, which are numbers up to a picture's width, stay in float32.  The gradient, whose values are 1e-6 and
less, is scaled up and divided at the end, as in training with half precision (loss scaling; Micikevicius et
al., "Mixed Precision Training", 2018).

The way back then loses next to nothing.  What can differ is which of two nearly equal values is the maximum
of a window, or whether a value is above zero: with 11 bits, of whatever kind, rounding decides that.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from engine.network.contract import CHANNEL_WEIGHTS, GRADIENT, IMAGE, LOSS
from engine.network.graph import FLOAT, HALF, make_node, parse

WORK: Final = frozenset(["Conv", "ConvTranspose", "MaxPool", "AveragePool"])
"""Operations computed in float16, whatever they read: nearly all of the work."""

SUMS: Final = frozenset(["ReduceSum", "ScatterElements"])
"""Operations computed in float32, because they add up."""

NO_NUMBERS: Final = frozenset(["Shape", "Size", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"])
"""Operations that take floats and do not return any."""

SCALE: Final = "half/scale"
"""What the loss is multiplied by: the picture's pixels, divided by the largest channel weight.

A layer's part of the gradient is its channel weights divided by the number of its elements, which grows with
the picture.  With this scale its values are some 0.01 to 200 on photographs of any size, in the middle of
what float16 can hold.
"""

LARGEST: Final = 65504.0
"""Largest float16."""

SMALLEST: Final = 1e-20
"""Smallest divisor of the scale, for channel weights that are all zero."""

SCALED: Final = {CHANNEL_WEIGHTS: "half/weights", LOSS: "half/loss", GRADIENT: "half/gradient"}
"""What takes the place of the model's own tensors inside the graph."""


def halved(content: bytes) -> bytes:
    """Return a model with the same inputs, outputs and metadata, computed in float16 for the most part.

    Raises ValueError where `content` is not a model file.
    """
    model = parse(content)
    nodes = list(model.graph.node)
    rewriting = _Rewriting(model.graph)
    rewriting.scale()
    for node in nodes:
        rewriting.add(node)
    rewriting.unscale()
    del model.graph.node[: len(nodes)]
    del model.graph.value_info[:]  # the types in there have changed
    result: bytes = model.SerializeToString()
    return result


class _Rewriting:
    """Appends a graph's operations to it once more, with types of their own."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        given = {x.name: x.type.tensor_type.elem_type for x in graph.input}
        stored = {x.name: x.data_type for x in graph.initializer}
        self._types: dict[str, int] = {**given, **stored}
        """ONNX's numbers for element types, of floats; those of other tensors may be anything else."""
        self._casts: set[str] = set()

    def scale(self) -> None:
        """Multiply the channel weights by `SCALE`, and with them loss and gradient."""
        smallest = np.array(SMALLEST, "<f4").tobytes()
        self._graph.initializer.add(name="half/smallest", data_type=FLOAT, raw_data=smallest)
        self._append("Abs", [CHANNEL_WEIGHTS], "half/sizes")
        self._append("ReduceMax", ["half/sizes"], "half/largest", keepdims=0)
        self._append("Max", ["half/largest", "half/smallest"], "half/divisor")
        self._append("Shape", [IMAGE], "half/shape", start=1, end=3)
        self._append("Cast", ["half/shape"], "half/sides", to=FLOAT)
        self._append("ReduceProd", ["half/sides"], "half/pixels", keepdims=0)
        self._append("Div", ["half/pixels", "half/divisor"], SCALE)
        self._append("Mul", [CHANNEL_WEIGHTS, SCALE], SCALED[CHANNEL_WEIGHTS])
        self._types[SCALED[CHANNEL_WEIGHTS]] = FLOAT

    def unscale(self) -> None:
        """Divide loss and gradient by `SCALE`, in float32."""
        for name in (LOSS, GRADIENT):
            self._append("Div", [self._cast(SCALED[name], FLOAT), SCALE], name)

    def add(self, node: Any) -> None:
        """Append an operation, with its inputs cast to one type."""
        node.input[:] = [SCALED.get(x, x) for x in node.input]
        node.output[:] = [SCALED.get(x, x) for x in node.output]
        type_ = self._common_type(node)
        if type_ is not None:
            node.input[:] = [self._cast(x, type_) for x in node.input]
        if type_ == HALF and _is_mask(node):
            node.op_type = "Sign"
            del node.attribute[:]
        self._graph.node.append(node)
        self._note_types(node, type_)

    def _common_type(self, node: Any) -> int | None:
        """Return the type of float that an operation is computed in; None where it reads no floats."""
        found = {self._types.get(x) for x in node.input} & {FLOAT, HALF}
        if not found:
            return None
        if node.op_type in WORK:
            return HALF
        return FLOAT if node.op_type in SUMS or FLOAT in found else HALF

    def _note_types(self, node: Any, type_: int | None) -> None:
        if node.op_type == "Cast":
            type_ = next((x.i for x in node.attribute if x.name == "to"), 0)
        if type_ is None or node.op_type in NO_NUMBERS:
            return
        for name in node.output[:1] if node.op_type == "MaxPool" else node.output:  # indices may follow
            self._types[name] = type_

    def _cast(self, name: str, type_: int) -> str:
        """Return the name of a tensor's floats in that type; what holds no floats stays as it is."""
        if self._types.get(name) not in {FLOAT, HALF} - {type_}:
            return name
        cast = f"{name}/{'half' if type_ == HALF else 'full'}"
        if cast not in self._casts:
            self._append("Cast", [name], cast, to=type_)
            self._casts.add(cast)
        return cast

    def _append(self, op: str, inputs: list[str], output: str, **numbers: int) -> None:
        self._graph.node.append(make_node(op, inputs, output, **numbers))


def _is_mask(node: Any) -> bool:
    """Tell whether an operation tells what is above zero by a slope that is infinite in float16.

    What such a mask is made of is never below zero, so that its sign is the same.
    """
    return node.op_type == "HardSigmoid" and any(x.name == "alpha" and x.f > LARGEST for x in node.attribute)
