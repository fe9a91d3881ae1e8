"""Transposed convolutions of stride 2 as ordinary ones, which ONNX Runtime computes faster on a CPU.

A transposed convolution puts the kernel at every second place.  So a place of the result with an even number
meets only the kernel's even rows, an odd one its odd rows, and so it is with the columns: four convolutions
of the small picture, whose results lie between each other.  The arithmetic is the same, summed in another
order.  (Shi et al., "Is the deconvolution layer the same as a convolutional layer?", 2016.)
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

from engine.network.graph import make_indices, make_node, parse, set_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

STRIDE: Final = 2

ATTRIBUTES: Final = frozenset(["kernel_shape", "strides"])
"""A transposed convolution with more than these is left as it is."""


def dense(content: bytes) -> bytes:
    """Return a model file that computes the same without transposed convolutions of stride 2.

    Raises ValueError where `content` is not a model file.
    """
    model = parse(content)
    nodes: list[Any] = []
    stored: list[Any] = []
    for node in model.graph.node:
        sides = _kernel(node)
        if sides is None:
            nodes.append(node)
        else:
            nodes += _convolutions(node, sides)
            stored += _indices(node.output[0], sides)
    if not stored:
        return content
    set_nodes(model, nodes)
    model.graph.initializer.extend(stored)
    result: bytes = model.SerializeToString()
    return result


def _kernel(node: Any) -> tuple[int, int] | None:
    """Return the kernel's height and width of a plain transposed convolution of stride 2; None for others."""
    ints = {x.name: tuple(x.ints) for x in node.attribute}
    sides = ints.get("kernel_shape", ())
    plain = node.op_type == "ConvTranspose" and len(node.input) == 2 and set(ints) <= ATTRIBUTES
    if not plain or ints.get("strides") != (STRIDE, STRIDE) or len(sides) != 2 or min(sides) < STRIDE:
        return None
    return sides[0], sides[1]


def _convolutions(node: Any, sides: tuple[int, int]) -> Iterator[Any]:
    """Yield what takes a transposed convolution's place."""
    (image, kernel), name = node.input, node.output[0]
    yield make_node("Transpose", [kernel], f"{name}/kernel", perm=[1, 0, 2, 3])
    parts = []
    for down, across in product(range(STRIDE), repeat=2):
        part = f"{name}/{down}{across}"
        first, last, step = f"{part}/first", f"{name}/before", f"{name}/step"
        yield make_node("Slice", [f"{name}/kernel", first, last, f"{name}/axes", step], f"{part}/kernel")
        rows, columns = (_rows(side, phase) for side, phase in zip(sides, (down, across), strict=True))
        pads = [rows[1], columns[1], rows[2], columns[2]]
        yield make_node(
            "Conv", [image, f"{part}/kernel"], part, kernel_shape=[rows[0], columns[0]], pads=pads
        )
        parts.append(part)
    yield make_node("Concat", parts, f"{name}/parts", axis=1)
    yield make_node("DepthToSpace", [f"{name}/parts"], f"{name}/mixed", blocksize=STRIDE)
    yield make_node("Slice", [f"{name}/mixed", *(f"{name}/{x}" for x in ("start", "end", "axes"))], name)


def _rows(side: int, phase: int) -> tuple[int, int, int]:
    """Return how many of a kernel's rows a phase has, and the padding before and after its convolution.

    It makes all phases equally long, as long as the longest.
    """
    count, most = (-(-(side - x) // STRIDE) for x in (phase, 0))
    return count, count - 1, most - 1


def _indices(name: str, sides: tuple[int, int]) -> Iterator[Any]:
    """Yield the stored numbers that `_convolutions` cuts by: a kernel's rows from the last one backwards."""
    yield make_indices(f"{name}/axes", [2, 3])
    yield make_indices(f"{name}/step", [-STRIDE, -STRIDE])
    yield make_indices(f"{name}/before", [-side - 1 for side in sides])
    for phases in product(range(STRIDE), repeat=2):
        firsts = [p + STRIDE * (_rows(side, p)[0] - 1) for side, p in zip(sides, phases, strict=True)]
        yield make_indices(f"{name}/{phases[0]}{phases[1]}/first", firsts)
    yield make_indices(f"{name}/start", [0, 0])
    yield make_indices(f"{name}/end", [-1 if side % STRIDE else 2**62 for side in sides])
