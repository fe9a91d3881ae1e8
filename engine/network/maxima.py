"""Where the maxima of max pools are, found with fewer operations.

A model file compares the first eight of a window's nine places with its maximum, multiplies the answers one
after another and adds up the products (`_places` in export/gradients.py).  Here the maximum is carried from
place to place, and once a place has it, something vast is taken away from it there and at all that follow:
what is left tells how many these are.  A convolution takes and adds at once, so that there are fewer
operations.  The results are the same small whole numbers, to the bit.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from engine.network.graph import make_floats, make_node

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPARED: Final = 8
"""Places of a window that are compared: a maximum that is at none of them is at the last."""

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


class _Nodes:
    """The operations of a graph, by what they compute and by what they compute it from."""

    def __init__(self, graph: Any) -> None:
        self.producers: dict[str, Any] = {}
        self.order: dict[str, int] = {}
        self.users: dict[str, list[frozenset[str]]] = {}
        """For each tensor the outputs of the operations that take it."""
        self._known: dict[tuple[str, frozenset[str]], str] = {}
        for place, node in enumerate(graph.node):
            inputs, outputs = frozenset(node.input), frozenset(node.output)
            for name in inputs:
                self.users.setdefault(name, []).append(outputs)
            for name in outputs:
                self.producers[name], self.order[name] = node, place
                self._known[node.op_type, inputs] = name
        self._stored = {x.name: x for x in graph.initializer}
        self.given = {x.name for x in graph.output}

    def of(self, op: str, *inputs: str) -> str:
        """Return what an operation makes of these, in any order; raise KeyError where none does."""
        found: str = self._known[op, frozenset(inputs)]
        return found

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


def counted(model: Any) -> None:
    """Have a parsed model find the places of maxima with fewer operations."""
    nodes = model.graph.node
    for pool in list(_pools(_Nodes(model.graph))):
        old = pool.inner | {pool.number, pool.row}
        for place, node in reversed(list(enumerate(nodes))):
            if old.intersection(node.output):
                del nodes[place]
        needed = {pool.maxima, *pool.negated}
        last = max(place for place, node in enumerate(nodes) if needed.intersection(node.output))
        for node in reversed(list(_counting(pool))):
            nodes.insert(last + 1, node)
        model.graph.initializer.extend(_numbers(pool))


def _pools(nodes: _Nodes) -> Iterator[_Pool]:
    """Yield those pools whose maxima are looked for as `_places` does."""
    compared: dict[str, dict[int, tuple[str, str, str]]] = {}
    for passed, node in nodes.producers.items():
        added = nodes.producers.get(node.input[0]) if _tells_difference(node) else None
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
                yield pool


def _tells_difference(node: Any) -> bool:
    """Tell whether an operation makes 1 of all that is above 0, and 0 of the rest."""
    slope = {x.name: x.f for x in node.attribute}
    single = node.op_type == "HardSigmoid" and len(node.input) == 1
    return single and slope.get("alpha", 0) >= LEAST and slope.get("beta") == 0


def _pool(nodes: _Nodes, maxima: str, places: list[tuple[str, str, str]]) -> _Pool | None:
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
    inner = frozenset([*added, *passed, *further, *numbers[:-1]])
    ends = {numbers[-1], row}
    last = max(nodes.order[x] for x in (maxima, *negated))
    served = {x for name in inner for user in nodes.users[name] for x in user}
    if not served <= inner | ends or nodes.given & inner:
        return None
    if any(nodes.order[x] < last for name in ends for user in nodes.users.get(name, ()) for x in user):
        return None  # what takes their place would come too late
    return _Pool(maxima, negated, numbers[-1], row, nodes.kernel(maxima)[1], inner)


def _counting(pool: _Pool) -> Iterator[Any]:
    """Yield what finds number and row of the maxima's places."""
    own: dict[str, Any] = {"group": pool.channels, "kernel_shape": [1, 1]}
    name, left = pool.number, pool.maxima
    for place, negated in enumerate(pool.negated):
        found, less = f"{name}/found{place}", f"{name}/left{place}"
        yield make_node("Add", [left, negated], f"{found}/further")
        yield make_node("HardSigmoid", [f"{found}/further"], found, alpha=-STEEP, beta=1.0)
        yield make_node("Conv", [found, f"{name}/vast"], f"{less}/taken", **own)
        yield make_node("Add", [left, f"{less}/taken"], less)
        left = less
    yield make_node("Conv", [left, f"{name}/share", f"{name}/all"], name, **own)
    yield make_node("Conv", [f"{name}/found5", f"{name}/one", f"{name}/rows"], f"{name}/above", **own)
    yield make_node("Conv", [f"{name}/found2", f"{name}/one"], f"{name}/top", **own)
    yield make_node("Add", [f"{name}/above", f"{name}/top"], pool.row)


def _numbers(pool: _Pool) -> Iterator[Any]:
    """Yield the stored numbers that `_counting` reckons with."""
    count, name = pool.channels, pool.number
    for key, value in (("vast", -VAST), ("share", 1 / VAST), ("one", -1.0)):
        yield make_floats(f"{name}/{key}", [value] * count, [count, 1, 1, 1])
    yield make_floats(f"{name}/all", [float(COMPARED)] * count, [count])
    yield make_floats(f"{name}/rows", [2.0] * count, [count])
