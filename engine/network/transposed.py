"""Transposed convolutions of stride 2 as ordinary ones, which ONNX Runtime computes faster on a CPU.

A transposed convolution puts the kernel at every second place.  So a place of the result with an even number
meets only the kernel's even rows, an odd one its odd rows, and so it is with the columns: four convolutions
of the small picture, whose results lie between each other.  The arithmetic is the same, summed in another
order.  (Shi et al., "Is the deconvolution layer the same as a convolutional layer?", 2016.)

In a model file the gradient of a convolution is cut or filled up with zeros to the size of what this took.
The four results reach that far by themselves where the kernel's sides are odd, so that cutting is enough.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.network.graph import make_indices, make_node

if TYPE_CHECKING:
    from collections.abc import Iterator

STRIDE: Final = 2

ATTRIBUTES: Final = frozenset(["kernel_shape", "strides"])
"""A transposed convolution with more than these is left as it is."""

PHASES: Final = tuple(product(range(STRIDE), repeat=2))
"""Rows and columns of the result that one of the four convolutions computes, each even or odd."""

CHANNELS_LAST: Final = (0, 2, 3, 1)

FILLING: Final = frozenset(["Shape", "Sub", "Slice", "Concat", "Pad"])
"""Operations by which a model file fills a result up with zeros."""

NONE_BEFORE: Final = bytes(6 * 8)
"""How much a Pad puts before each of four axes and behind the first two, stored: nothing."""

MOST: Final = 8
"""How many of these and the transposed convolution there are, at most."""


class _Transposed(NamedTuple):
    """A transposed convolution and what follows it."""

    image: str
    kernel: str
    name: str
    """Its own result."""
    sides: tuple[int, int]
    """The kernel's height and width."""
    place: int
    """Where the operation stands that gives the result: itself, or the Reshape behind what fills it up."""
    result: str
    sizes: str
    """The tensor that says the result's four sizes; "" where they follow from the transposed convolution."""
    others: tuple[int, ...]
    """Where the operations between these two stand, the first included."""


class _Around(NamedTuple):
    """A graph, and what tells what follows an operation."""

    graph: Any
    users: dict[str, list[int]]
    """Where the operations stand that take a tensor."""
    given: set[str]
    """The outputs."""
    none: set[str]
    """What is stored as `NONE_BEFORE`."""


def dense(model: Any) -> None:
    """Put ordinary convolutions in the places of a parsed model's transposed ones of stride 2."""
    graph = model.graph
    none = {x.name for x in graph.initializer if x.raw_data == NONE_BEFORE}
    around = _Around(graph, {}, {x.name for x in graph.output}, none)
    for place, node in enumerate(graph.node):
        for name in node.input:
            around.users.setdefault(name, []).append(place)
    found = [_filled(around, place, sides) for place, sides in _all(graph)]
    gone = {x for one in found for x in one.others}
    at = {one.place: one for one in found}
    for place in sorted(gone.union(at), reverse=True):
        del graph.node[place]
        if place in at:
            for node in reversed(list(_convolutions(at[place]))):
                graph.node.insert(place, node)
            graph.initializer.extend(_indices(at[place]))


def _all(graph: Any) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield where the plain transposed convolutions of stride 2 stand, and their kernels' sides."""
    for place, node in enumerate(graph.node):
        sides = _kernel(node)
        if sides is not None:
            yield place, sides


def _filled(around: _Around, place: int, sides: tuple[int, int]) -> _Transposed:
    """Return a transposed convolution and what fills its result up at the end, if nothing else follows."""
    graph, users, given, none = around
    (image, kernel), name = graph.node[place].input, graph.node[place].output[0]
    alone = _Transposed(image, kernel, name, sides, place, name, "", ())
    others, ends, waiting = {place}, set(), [name]
    while waiting:
        made = waiting.pop()
        for later in users.get(made, ()):
            if graph.node[later].op_type not in FILLING:
                ends.add((later, made))
            elif later not in others:
                others.add(later)
                waiting += graph.node[later].output
        if made in given or len(ends) > 1 or len(others) > MOST:
            return alone
    if len(ends) != 1 or not all(side % STRIDE for side in sides):
        return alone
    ((end, padded),) = ends
    makers = {x: graph.node[y] for y in others for x in graph.node[y].output}
    pad, result = makers[padded], graph.node[end]
    amounts = makers.get(pad.input[1]) if list(pad.input[:1]) == [name] and len(pad.input) == 2 else None
    at_end = amounts is not None and amounts.op_type == "Concat" and amounts.input[0] in none
    if pad.op_type != "Pad" or pad.attribute or not at_end:
        return alone
    if result.op_type != "Reshape" or len(result.input) != 2 or result.input[0] != padded:
        return alone
    return _Transposed(image, kernel, name, sides, end, result.output[0], result.input[1], tuple(others))


def _kernel(node: Any) -> tuple[int, int] | None:
    """Return the kernel's height and width of a plain transposed convolution of stride 2; None for others."""
    ints = {x.name: tuple(x.ints) for x in node.attribute}
    sides = ints.get("kernel_shape", ())
    plain = node.op_type == "ConvTranspose" and (len(node.input), len(node.output)) == (2, 1)
    plain = plain and ATTRIBUTES.issuperset(ints)
    if not plain or ints.get("strides") != (STRIDE, STRIDE) or len(sides) != 2 or min(sides) < STRIDE:
        return None
    return sides[0], sides[1]


def _convolutions(found: _Transposed) -> Iterator[Any]:
    """Yield what takes a transposed convolution's place: four convolutions, and their results in order."""
    yield from _kernels(found)
    for phase in PHASES:
        part = _part(found.name, phase)
        rows, columns = (_rows(side, x) for side, x in zip(found.sides, phase, strict=True))
        pads = [rows[1], columns[1], rows[2], columns[2]]
        yield make_node(
            "Conv", [found.image, f"{part}/kernel"], part, kernel_shape=[rows[0], columns[0]], pads=pads
        )
    yield from _interleaved(found)


def _kernels(found: _Transposed) -> Iterator[Any]:
    """Yield what cuts the kernel into those of the four convolutions."""
    name = found.name
    yield make_node("Transpose", [found.kernel], f"{name}/kernel", perm=[1, 0, 2, 3])
    for phase in PHASES:
        part = _part(name, phase)
        first, last, step = f"{part}/first", f"{name}/before", f"{name}/step"
        yield make_node("Slice", [f"{name}/kernel", first, last, f"{name}/axes", step], f"{part}/kernel")


def _interleaved(found: _Transposed) -> Iterator[Any]:
    """Yield what puts four results between each other: places to the right first, then rows.

    The channels come last meanwhile, so that all of a place are copied at once; DepthToSpace copies number by
    number.  Joined to rows twice as long, a row of one phase and its other row lie one behind the other.
    Shapes that say nothing new keep the runtime from transposing what was joined, instead of the parts.
    """
    name = found.name
    for phase in PHASES:
        part = _part(name, phase)
        yield make_node("Transpose", [part], f"{part}/last", perm=CHANNELS_LAST)
        yield make_node("Reshape", [f"{part}/last", f"{name}/places"], f"{part}/places")
    for down in range(STRIDE):
        pair = [f"{_part(name, (down, x))}/places" for x in range(STRIDE)]
        yield make_node("Concat", pair, f"{name}/rows{down}", axis=3)
    yield make_node("Concat", [f"{name}/rows{x}" for x in range(STRIDE)], f"{name}/joined", axis=2)
    yield make_node("Shape", [f"{name}/kernel"], f"{name}/channels", start=0, end=1)
    yield make_node("Concat", [f"{name}/sizes", f"{name}/channels"], f"{name}/shape", axis=0)
    yield make_node("Reshape", [f"{name}/joined", f"{name}/shape"], f"{name}/mixed")
    yield from _cut(found)
    perm = [CHANNELS_LAST.index(x) for x in range(4)]
    if not found.sizes:
        yield make_node("Transpose", [f"{name}/last"], name, perm=perm)
        return
    yield make_node("Transpose", [f"{name}/last"], f"{name}/first", perm=perm)
    # It changes nothing, but tells the runtime the sizes.
    yield make_node("Reshape", [f"{name}/first", found.sizes], found.result)


def _cut(found: _Transposed) -> Iterator[Any]:
    """Yield what cuts the result, its channels last, to its size."""
    name = found.name
    if found.sizes:
        bounds = [f"{name}/plane first", f"{name}/plane last"]
        yield make_node("Slice", [found.sizes, *bounds], f"{name}/end")
    cut = [f"{name}/{x}" for x in ("start", "end", "sides")]
    yield make_node("Slice", [f"{name}/mixed", *cut], f"{name}/last")


def _part(name: str, phase: tuple[int, ...]) -> str:
    return f"{name}/{phase[0]}{phase[1]}"


def _rows(side: int, phase: int) -> tuple[int, int, int]:
    """Return how many of a kernel's rows a phase has, and the padding before and after its convolution.

    It makes all phases equally long, as long as the longest.
    """
    count, most = (-(-(side - x) // STRIDE) for x in (phase, 0))
    return count, count - 1, most - 1


def _indices(found: _Transposed) -> Iterator[Any]:
    """Yield the stored numbers that these cut and put together by."""
    name, sides = found.name, found.sides
    yield make_indices(f"{name}/axes", [2, 3])
    yield make_indices(f"{name}/step", [-STRIDE, -STRIDE])  # a kernel's rows from the last one backwards
    yield make_indices(f"{name}/before", [-side - 1 for side in sides])
    for phase in PHASES:
        counts = [_rows(side, x)[0] for side, x in zip(sides, phase, strict=True)]
        firsts = [x + STRIDE * (count - 1) for x, count in zip(phase, counts, strict=True)]
        yield make_indices(f"{_part(name, phase)}/first", firsts)
    yield make_indices(f"{name}/places", [0, 0, 0, 1, -1])
    yield make_indices(f"{name}/sizes", [0, -1, 0])  # as before, what is left, as before
    yield make_indices(f"{name}/sides", [1, 2])
    yield make_indices(f"{name}/start", [0, 0])
    if found.sizes:
        yield make_indices(f"{name}/plane first", [2])
        yield make_indices(f"{name}/plane last", [4])
    else:
        yield make_indices(f"{name}/end", [-1 if side % STRIDE else 2**62 for side in sides])
