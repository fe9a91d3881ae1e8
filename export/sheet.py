"""An ONNX graph while it is written: operations, constants, and shapes of tensors with names for sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import GraphProto, TensorProto, helper, numpy_helper

from engine.network.contract import BATCH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from export.operations import Shape, Size


class Sheet:
    """A graph, to which nodes are added in an order in which each comes after what it reads."""

    def __init__(self) -> None:
        self.graph = GraphProto()
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._same: dict[tuple[Any, ...], str] = {}
        self._sizes: dict[tuple[str, Size | int], str] = {}

    def node(
        self, op: str, inputs: Sequence[str], output: str = "", shape: Shape | None = None, **how: Any
    ) -> str:
        """Add an operation, and return its output's name; one that is there already is taken again."""
        key = (op, *inputs, *sorted((name, str(x)) for name, x in how.items()))
        if not output and key in self._same:
            return self._same[key]
        name = output or f"{op}_{len(self.graph.node)}"
        self.graph.node.append(helper.make_node(op, list(inputs), [name], **how))
        self._same.setdefault(key, name)
        if shape is not None:
            self._describe(name, shape)
        return name

    def split(self, x: str, widths: str, shapes: Sequence[Shape]) -> list[str]:
        """Split along the channels."""
        names = [f"Split_{len(self.graph.node)}_{number}" for number in range(len(shapes))]
        self.graph.node.append(helper.make_node("Split", [x, widths], names, axis=1))
        for name, shape in zip(names, shapes, strict=True):
            self._describe(name, shape)
        return names

    def array(self, values: NDArray[np.generic]) -> str:
        """Return the name of a constant."""
        key = (str(values.dtype), values.shape, values.tobytes())
        if key not in self._constants:
            self._constants[key] = name = f"constant_{len(self._constants)}"
            self.graph.initializer.append(numpy_helper.from_array(values, name))
        return self._constants[key]

    def ints(self, values: Sequence[int]) -> str:
        """Return the name of a row of whole numbers."""
        return self.array(np.array(values, np.int64))

    def scalar(self, value: int) -> str:
        """Return the name of a whole number."""
        return self.array(np.array(value, np.int64))

    def number(self, value: float) -> str:
        """Return the name of a number."""
        return self.array(np.array(value, np.float32))

    def sides(self, x: str) -> str:
        """Return height and width of a tensor [N, C, H, W], int64 [2]."""
        return self._cut(x, 2, 4)

    def height(self, x: str) -> str:
        """Return the height of a tensor, int64 [1]."""
        return self._cut(x, 2, 3)

    def width(self, x: str) -> str:
        """Return the width of a tensor, int64 [1]."""
        return self._cut(x, 3, 4)

    def plane(self, x: str) -> str:
        """Return the shape of one channel of one picture, int64 [4]."""
        return self.node("Concat", [self.ints([1, 1]), self.sides(x)], axis=0)

    def padded_to(self, x: str, like: str, shape: Shape) -> str:
        """Return `x` with zeros at the end of each side, as large as `like`."""
        wanted = self.node("Shape", [like])
        missing = self.node("Sub", [wanted, self.node("Shape", [x])])
        begin, end = self.ints([2]), self.ints([4])
        at_end = self.node("Slice", [missing, begin, end, self.ints([0])])
        amounts = self.node("Concat", [self.ints([0] * 6), at_end], axis=0)
        # The reshape changes nothing, but states the size for ONNX's shape inference.
        return self.node("Reshape", [self.node("Pad", [x, amounts]), wanted], shape=shape)

    def _cut(self, x: str, begin: int, end: int) -> str:
        bounds = [self.ints([begin]), self.ints([end]), self.ints([0])]
        return self.node("Slice", [self.node("Shape", [x]), *bounds])

    def _describe(self, name: str, shape: Shape) -> None:
        sizes = (self._size("h", shape.height), self._size("w", shape.width))
        dims: list[str | int | None] = [BATCH, shape.channels, *sizes]
        self.graph.value_info.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, dims))

    def _size(self, axis: str, size: Size) -> str:
        return self._sizes.setdefault((axis, size), f"size{len(self._sizes)}")
