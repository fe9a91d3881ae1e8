"""The places of a max pool's windows, read from four planes instead of the whole picture.

To compare them with the maxima, a convolution for each of eight places takes every second number of every
second row, and each time all of the picture comes from memory (`_places` in export/gradients.py).  Here the
numbers with even rows and columns are taken out once, and so are the three others: places are then numbers
of a plane, or those beside them.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

from engine.network.graph import make_floats, make_node
from engine.network.maxima import COMPARED, Operations

if TYPE_CHECKING:
    from collections.abc import Iterator

STRIDE: Final = 2
SIDE: Final = 3
"""Of a window."""

PLAIN: Final = frozenset(["group", "kernel_shape", "strides", "dilations"])
"""A convolution with more than these attributes is left as it is: padding."""


def in_planes(model: Any) -> None:
    """Have a parsed model take the places of max pools from planes; the results stay the same to the bit."""
    graph = model.graph
    operations = Operations(graph)
    pickers: dict[str, list[tuple[int, Any]]] = {}
    for node in graph.node:
        place = _place(operations, node)
        if place is not None:
            pickers.setdefault(node.input[0], []).append((place, node))
    channels: dict[str, int] = {}
    for features, picked in pickers.items():
        if sorted(place for place, _ in picked) == list(range(COMPARED)):
            channels[features] = operations.kernel(picked[0][1].output[0])[1]
            for place, node in picked:
                _take_from_plane(node, features, *divmod(place, SIDE))
            graph.initializer.extend(_kernels(features, channels[features]))
    makers = {name: place for place, node in enumerate(graph.node) for name in node.output}
    for features in sorted(channels, key=lambda x: makers.get(x, -1), reverse=True):
        for new in _planes(features, channels[features]):
            graph.node.insert(makers.get(features, -1) + 1, new)


def _place(operations: Operations, node: Any) -> int | None:
    """Return the place of a window that a convolution takes, negated; None for other operations."""
    kernel, _ = operations.kernel(node.output[0]) if len(node.output) == 1 else ([], 0)
    if len(kernel) != SIDE * SIDE or sorted(kernel) != [-1] + [0] * COMPARED:
        return None
    ints = {x.name: tuple(x.ints) for x in node.attribute}
    plain = PLAIN.issuperset(ints) and set(ints.get("dilations", ())) <= {1}
    return kernel.index(-1) if plain and ints.get("strides") == (STRIDE, STRIDE) else None


def _planes(features: str, channels: int) -> Iterator[Any]:
    """Yield what takes the planes out, negated: those of odd rows or columns begin with the first odd one."""
    for odd in product(range(STRIDE), repeat=2):
        name = _plane(features, *odd)
        yield make_node(
            "Conv",
            [features, f"{name}/kernel"],
            name,
            group=channels,
            kernel_shape=[SIDE if x else 1 for x in odd],
            strides=[STRIDE, STRIDE],
        )


def _take_from_plane(node: Any, features: str, row: int, column: int) -> None:
    """Have a convolution take a place of the windows from its plane."""
    for attribute in node.attribute:
        if attribute.name == "strides":
            attribute.ints[:] = [1, 1]
        if attribute.name == "kernel_shape":
            attribute.ints[:] = [STRIDE - x % STRIDE for x in (row, column)]
    node.input[0] = _plane(features, row % STRIDE, column % STRIDE)
    node.input[1] = _kernel(features, row, column)


def _kernels(features: str, channels: int) -> Iterator[Any]:
    """Yield the kernels of all these: one number of each window, negated on the way into the plane."""
    for odd in product(range(STRIDE), repeat=2):
        yield _one_of(f"{_plane(features, *odd)}/kernel", [SIDE if x else 1 for x in odd], odd, -1, channels)
    for place in range(COMPARED):
        row, column = divmod(place, SIDE)
        sides = [STRIDE - x % STRIDE for x in (row, column)]
        at = (row // STRIDE, column // STRIDE)
        yield _one_of(_kernel(features, row, column), sides, at, 1, channels)


def _one_of(name: str, sides: list[int], at: tuple[int, ...], value: float, channels: int) -> Any:
    """Return a stored depthwise kernel that takes one number, times `value`."""
    numbers = [0.0] * (sides[0] * sides[1])
    numbers[at[0] * sides[1] + at[1]] = value
    return make_floats(name, numbers * channels, [channels, 1, *sides])


def _plane(features: str, row: int, column: int) -> str:
    return f"{features}/plane{row}{column}"


def _kernel(features: str, row: int, column: int) -> str:
    return f"{features}/place{row}{column}"
