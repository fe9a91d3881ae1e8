"""Where the maxima of max pools are, found with fewer operations.

A model file compares the first eight of a window's nine places with its maximum, multiplies the answers one
after another and adds up the products (`_places` in export/gradients.py).  Here the maximum is carried from
place to place, and once a place has it, something vast is taken away from it there and at all that follow:
what is left tells how many these are.  A convolution takes and adds at once, so that there are fewer
operations.  The results are the same small whole numbers, to the bit.

From the number of a place and its row follows how far it lies behind the window's first one, row by row of
the whole picture.  Where the picture's width is known, what is taken away at a row's end stands for the rest
of the picture's row, and this distance comes by itself.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from engine.network.graph import make_floats, make_node

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPARED: Final = 8
"""Places of a window that are compared: a maximum that is at none of them is at the last."""

ROW_ENDS: Final = (2, 5)
"""Places of a window that another row follows."""

VAST: Final = 2.0**100
"""What is taken away: of its sum with an activation nothing but itself is left."""

STEEP: Final = 1e30
LEAST: Final = 1e29
"""The slope by which a HardSigmoid tells whether there is any difference; and that of a file's, at least."""


@dataclass(frozen=True)
class _Pool:
    """The tensors by which the places of a pool's maxima are found."""

    maxima: str
    negated: tuple[str, ...]
    """For each place that is compared, what is there, negated."""
    number: str
    """Which place it is, 0 to 8 in row-major order."""
    row: str
    """Which row it is in, 0 to 2."""
    channels: int
    inner: frozenset[str]
    """All between, which nothing else needs."""
    skipped: str = ""
    """How many of the picture's places lie between the end of a window's row and the next row's begin, where
    the distances follow from number and row by it; "" where they do not."""
    distance: str = ""
    """How far behind a window's first place it lies, row by row of the whole picture."""


class Operations:
    """The operations of a graph, by what they compute and by what they compute it from."""

    def __init__(self, graph: Any) -> None:
        self.producers: dict[str, Any] = {}
        self.users: dict[str, list[frozenset[str]]] = {}
        """For each tensor the outputs of the operations that take it."""
        self._known: dict[tuple[str, frozenset[str]], str] = {}
        for node in graph.node:
            inputs, outputs = frozenset(node.input), frozenset(node.output)
            for name in inputs:
                self.users.setdefault(name, []).append(outputs)
            for name in outputs:
                self.producers[name] = node
                self._known[node.op_type, inputs] = name
        self._stored = {x.name: x for x in graph.initializer}
        self.given = {x.name for x in graph.output}

    def of(self, op: str, *inputs: str) -> str:
        """Return what an operation makes of these, in any order; raise KeyError where none does."""
        found: str = self._known[op, frozenset(inputs)]
        return found

    def served(self, name: str) -> set[str]:
        """Return what is computed from a tensor at once."""
        return {x for user in self.users.get(name, ()) for x in user}

    def kernel(self, name: str) -> tuple[list[float], int]:
        """Return the kernel of a depthwise convolution that has the same for all channels, and their number.

        It is empty for all else.
        """
        node = self.producers.get(name)
        if node is None or node.op_type != "Conv" or len(node.input) != 2:
            return [], 0
        stored = self._stored.get(node.input[1])
        if stored is None or len(stored.dims) != 4 or stored.dims[1] != 1:
            return [], 0
        channels, count = stored.dims[0], stored.dims[2] * stored.dims[3]
        raw = stored.raw_data
        if count < 1 or len(raw) != 4 * count * channels or raw != raw[: 4 * count] * channels:
            return [], 0
        return list(struct.unpack(f"<{count}f", raw[: 4 * count])), channels


def counted(model: Any, *, sized: bool = False) -> None:
    """Have a parsed model find the places of maxima with fewer operations.

    `sized`: it is opened for pictures of one size, so that the runtime knows what follows from their width.
    """
    for pool in list(_pools(Operations(model.graph), sized=sized)):
        new = [*_carrying(pool), *(_distance(pool) if pool.distance else _number_and_row(pool))]
        _state_sizes(model.graph, pool, new)
        _replace(model.graph.node, pool, new)
        model.graph.initializer.extend(_numbers(pool))


def _replace(nodes: Any, pool: _Pool, new: list[Any]) -> None:
    """Put new operations in the place of those that found the places of a pool's maxima."""
    old = pool.inner | {pool.number, pool.row, pool.distance}
    for place, node in reversed(list(enumerate(nodes))):
        if old.intersection(node.output):
            del nodes[place]
    needed = {pool.skipped, *pool.negated}
    last = max(place for place, node in enumerate(nodes) if needed.intersection(node.output))
    # What takes the result may stand before what the result is now made of.
    late, early = {x for node in new for x in node.output}, []
    for place, node in enumerate(nodes[: last + 1]):
        if late.intersection(node.input):
            late.update(node.output)
            early.append(place)
    new = [*new, *(_copy(nodes[place]) for place in early)]
    for node in reversed(new):
        nodes.insert(last + 1, node)
    for place in reversed(early):
        del nodes[place]


def _copy(node: Any) -> Any:
    copy = type(node)()
    copy.CopyFrom(node)
    return copy


def _pools(nodes: Operations, *, sized: bool) -> Iterator[_Pool]:
    """Yield those pools whose maxima are looked for as `_places` does."""
    compared: dict[str, dict[int, tuple[str, str, str]]] = {}
    for passed, node in nodes.producers.items():
        added = nodes.producers.get(node.input[0]) if tells_difference(node) else None
        if added is None or added.op_type != "Add" or len(added.input) != 2:
            continue
        for maxima, negated in (added.input, added.input[::-1]):
            kernel, _ = nodes.kernel(negated)
            if nodes.kernel(maxima)[0] == [1] and sorted(kernel) == [-1] + [0] * COMPARED:
                compared.setdefault(maxima, {})[kernel.index(-1)] = (negated, added.output[0], passed)
    for maxima, places in compared.items():
        if sorted(places) == list(range(COMPARED)):
            pool = _pool(nodes, maxima, [places[x] for x in range(COMPARED)])
            if pool is not None:
                yield (_placed(nodes, pool) if sized else None) or pool


def tells_difference(node: Any) -> bool:
    """Tell whether an operation makes 1 of all that is above 0, and 0 of the rest."""
    slope = {x.name: x.f for x in node.attribute}
    single = node.op_type == "HardSigmoid" and len(node.input) == 1
    return single and slope.get("alpha", 0) >= LEAST and slope.get("beta") == 0


def _pool(nodes: Operations, maxima: str, places: list[tuple[str, str, str]]) -> _Pool | None:
    """Return a pool, None where its comparisons are put together in another way, or serve something else."""
    negated, added, passed = zip(*places, strict=True)
    further = [passed[0]]
    numbers = [passed[0]]
    try:
        for more in passed[1:]:
            further.append(nodes.of("Mul", further[-1], more))
            numbers.append(nodes.of("Add", numbers[-1], further[-1]))
        row = nodes.of("Add", further[2], further[5])
    except KeyError:
        return None
    # On a CPU the maximum need not pass through a convolution.
    inner = frozenset([maxima, *added, *passed, *further, *numbers[:-1]])
    ends = {numbers[-1], row}
    served = {x for name in inner for x in nodes.served(name)}
    if not served <= inner | ends or nodes.given & inner:
        return None
    carried = nodes.producers[maxima].input[0]
    return _Pool(carried, negated, numbers[-1], row, nodes.kernel(maxima)[1], inner)


def _state_sizes(graph: Any, pool: _Pool, new: list[Any]) -> None:
    """Say of new tensors what the file says of a pool's maxima: the runtime joins operations by it."""
    for value in [x for x in graph.value_info if x.name == pool.negated[0]]:
        for node in new:
            if node.op_type in ("Conv", "HardSigmoid", "Add"):
                graph.value_info.add().CopyFrom(value)
                graph.value_info[-1].name = node.output[0]


def _placed(nodes: Operations, pool: _Pool) -> _Pool | None:
    """Return a pool whose number and row serve nothing but the distance; None for others."""
    below = nodes.served(pool.row)
    if len(below) != 1 or nodes.given & {pool.number, pool.row, *below}:
        return None
    (product,) = below
    node = nodes.producers[product]
    factors = [x for x in node.input if x != pool.row]
    try:
        distance = nodes.of("Add", pool.number, product)
    except KeyError:
        return None
    served = nodes.served(pool.number) | nodes.served(product)
    if node.op_type != "Mul" or len(factors) != 1 or served != {distance}:
        return None
    return replace(pool, skipped=factors[0], distance=distance, inner=pool.inner | below)


def _carrying(pool: _Pool) -> Iterator[Any]:
    """Yield what takes something away for each place from that of the maximum on."""
    own: dict[str, Any] = {"group": pool.channels, "kernel_shape": [1, 1]}
    name, left = pool.number, pool.maxima
    if pool.distance:
        yield make_node("Add", [pool.skipped, f"{name}/step"], f"{name}/steps")
        yield make_node("Mul", [f"{name}/vast", f"{name}/steps"], f"{name}/vaster")
    for place, negated in enumerate(pool.negated):
        found, less = f"{name}/found{place}", f"{name}/left{place}"
        taken = f"{name}/vaster" if pool.distance and place in ROW_ENDS else f"{name}/vast"
        yield make_node("Add", [left, negated], f"{found}/further")
        yield make_node("HardSigmoid", [f"{found}/further"], found, alpha=-STEEP, beta=1.0)
        yield make_node("Conv", [found, taken], f"{less}/taken", **own)
        yield make_node("Add", [left, f"{less}/taken"], less)
        left = less


def _number_and_row(pool: _Pool) -> Iterator[Any]:
    """Yield what finds number and row of the maxima's places."""
    own: dict[str, Any] = {"group": pool.channels, "kernel_shape": [1, 1]}
    name, (first, second) = pool.number, ROW_ENDS
    yield make_node("Conv", [f"{name}/left{COMPARED - 1}", f"{name}/share", f"{name}/all"], name, **own)
    yield make_node("Conv", [f"{name}/found{second}", f"{name}/one", f"{name}/rows"], f"{name}/above", **own)
    yield make_node("Conv", [f"{name}/found{first}", f"{name}/one"], f"{name}/top", **own)
    yield make_node("Add", [f"{name}/above", f"{name}/top"], pool.row)


def _distance(pool: _Pool) -> Iterator[Any]:
    """Yield what finds how far the maxima lie behind their windows' first places."""
    name = pool.number
    yield make_node("Mul", [pool.skipped, f"{name}/two"], f"{name}/both")
    yield make_node("Add", [f"{name}/all", f"{name}/both"], f"{name}/farthest")
    inputs = [f"{name}/left{COMPARED - 1}", f"{name}/share", f"{name}/farthest"]
    yield make_node("Conv", inputs, pool.distance, group=pool.channels, kernel_shape=[1, 1])


def _numbers(pool: _Pool) -> Iterator[Any]:
    """Yield the stored numbers that these reckon with."""
    count, name = pool.channels, pool.number
    kernels = {"vast": -VAST, "share": 1 / VAST} | ({} if pool.distance else {"one": -1.0})
    for key, value in kernels.items():
        yield make_floats(f"{name}/{key}", [value] * count, [count, 1, 1, 1])
    yield make_floats(f"{name}/all", [float(COMPARED)] * count, [count])
    if pool.distance:
        yield make_floats(f"{name}/step", [1.0], [1])
        yield make_floats(f"{name}/two", [2.0], [1])
    else:
        yield make_floats(f"{name}/rows", [2.0] * count, [count])
