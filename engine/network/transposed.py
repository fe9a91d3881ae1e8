"""Transposed convolutions of stride 2 as ordinary ones, which ONNX Runtime computes faster on a CPU.

A transposed convolution puts the kernel at every second place.  So a place of the result with an even number
meets only the kernel's even rows, an odd one its odd rows, and so it is with the columns: four convolutions
of the small picture, whose results lie between each other.  The arithmetic is the same, summed in another
order.  (Shi et al., "Is the deconvolution layer the same as a convolutional layer?", 2016.)
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

from engine.network.graph import make_indices, make_node

if TYPE_CHECKING:
    from collections.abc import Iterator

STRIDE: Final = 2

ATTRIBUTES: Final = frozenset(["kernel_shape", "strides"])
"""A transposed convolution with more than these is left as it is."""


def dense(model: Any) -> None:
    """Put ordinary convolutions in the places of a parsed model's transposed ones of stride 2."""
    nodes = model.graph.node
    for place, node in reversed(list(enumerate(nodes))):
        sides = _kernel(node)
        if sides is not None:
            new = list(_convolutions(node, sides))
            model.graph.initializer.extend(_indices(node.output[0], sides))
            del nodes[place]
            for one in reversed(new):
                nodes.insert(place, one)


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
    yield from _interleaved(name, parts)


def _interleaved(name: str, parts: list[str]) -> Iterator[Any]:
    """Yield what puts four results between each other: places to the right first, then rows.

    The channels come last meanwhile, so that all of a place are copied at once; DepthToSpace copies number by
    number.  Joined to rows twice as long, a row of one phase and its other row lie one behind the other.
    """
    for part in parts:
        yield make_node("Transpose", [part], f"{part}/last", perm=[0, 2, 3, 1])
    for down in range(STRIDE):
        pair = [f"{x}/last" for x in parts[STRIDE * down :][:STRIDE]]
        yield make_node("Concat", pair, f"{name}/rows{down}", axis=3)
    yield make_node("Concat", [f"{name}/rows{x}" for x in range(STRIDE)], f"{name}/joined", axis=2)
    yield make_node("Shape", [f"{name}/kernel"], f"{name}/channels", start=0, end=1)
    yield make_node("Concat", [f"{name}/sizes", f"{name}/channels"], f"{name}/shape", axis=0)
    yield make_node("Reshape", [f"{name}/joined", f"{name}/shape"], f"{name}/mixed")
    cut = [f"{name}/{x}" for x in ("start", "end", "sides")]
    yield make_node("Slice", [f"{name}/mixed", *cut], f"{name}/last")
    yield make_node("Transpose", [f"{name}/last"], name, perm=[0, 3, 1, 2])


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
    yield make_indices(f"{name}/sizes", [0, -1, 0])  # as before, what is left, as before
    yield make_indices(f"{name}/sides", [1, 2])
    yield make_indices(f"{name}/start", [0, 0])
    yield make_indices(f"{name}/end", [-1 if side % STRIDE else 2**62 for side in sides])
