"""ReLUs where they cost least: before max pools, and no masks that change nothing."""

from __future__ import annotations

from typing import Any, Final

from engine.network.graph import make_node
from engine.network.maxima import Operations, tells_difference

PASSING: Final = frozenset(["Identity", "AveragePool"])
"""Operations that pass a tensor on as it is: an AveragePool of one place."""

MOST: Final = 16
"""Tensors that are looked at for a multiple, at most."""

PAIR: Final = ("gradient", "mask")
"""What a Mul takes that masks, in any order."""


def sooner(model: Any) -> None:
    """Have a parsed model take ReLUs before max pools, not behind them.

    What comes of it is the same, and the runtime has the convolution before take the ReLU along.  Only where
    a maximum is zero another place may have it, and no gradient passes through a ReLU there.  Pools with
    padding keep their names, by which a tile sets it, and so their order.
    """
    graph = model.graph
    operations = Operations(graph)
    gone: set[str] = set()
    positive: dict[str, str] = {}
    """What a convolution computes, and the same behind a ReLU."""
    for relu in [x for x in graph.node if x.op_type == "Relu" and len(x.input) == len(x.output) == 1]:
        found = _behind_pool(operations, relu)
        if found is None:
            continue
        pool, comparing, passing = found
        raw, result = pool.input[0], relu.output[0]
        positive[raw] = f"{raw}/positive"
        for node in (pool, *comparing):
            node.input[0] = positive[raw]
        for node in passing:
            node.input[0] = result
        gone.add(result)
        pool.output[0] = result
    for place, node in reversed(list(enumerate(graph.node))):
        if node.op_type == "Relu" and gone.intersection(node.output):
            del graph.node[place]
        for raw in positive.keys() & set(node.output):
            graph.node.insert(place + 1, make_node("Relu", [raw], positive[raw]))


def _behind_pool(operations: Operations, relu: Any) -> tuple[Any, list[Any], list[Any]] | None:
    """Return the max pool before a ReLU, what compares places of its windows, and what passes maxima on.

    None where there is no pool between a convolution and it, or something else sees what comes of them.
    """
    pool = operations.producers.get(relu.input[0])
    plain = pool is not None and pool.op_type == "MaxPool" and len(pool.input) == len(pool.output) == 1
    if pool is None or not plain or any(x.name == "pads" for x in pool.attribute):
        return None
    (raw,), (maxima,) = pool.input, pool.output
    convolution = operations.producers.get(raw)
    if convolution is None or convolution.op_type != "Conv" or operations.given & {raw, maxima}:
        return None
    seen, taken = operations.served(raw) - {maxima}, operations.served(maxima) - {*relu.output}
    comparing = {x for x in seen if operations.kernel(x)[0]}
    passing = {x for x in taken if operations.kernel(x)[0] == [1]}
    asking = {x for x in seen if operations.producers[x].op_type == "Shape"}
    if seen != comparing | asking or taken != passing:
        return None
    makers = operations.producers
    return pool, [makers[x] for x in sorted(comparing)], [makers[x] for x in sorted(passing)]


def unmasked(model: Any) -> None:
    """Have a parsed model not mask what is the ReLU's own result times something: it is zero there anyway.

    So it is with the deepest layer, whose gradient is its activation times a coefficient.
    """
    graph = model.graph
    operations = Operations(graph)
    needless: set[str] = set()
    for node in graph.node:
        for gradient, mask in (node.input, node.input[::-1]) if len(node.input) == len(PAIR) else ():
            if node.op_type == "Mul" and _is_needless(operations, mask, gradient):
                node.op_type = "Identity"
                node.input[:] = [gradient]
                needless.add(mask)
                break
    for place, node in reversed(list(enumerate(graph.node))):
        if needless.intersection(node.output):
            del graph.node[place]


def _is_needless(operations: Operations, mask: str, gradient: str) -> bool:
    """Tell whether a tensor is a ReLU's mask, for one gradient alone that is zero where the mask is."""
    telling = operations.producers.get(mask)
    if telling is None or not tells_difference(telling) or mask in operations.given:
        return False
    relu = operations.producers.get(telling.input[0])
    if relu is None or relu.op_type != "Relu" or len(operations.served(mask)) != 1:
        return False
    return _is_multiple(operations, gradient, telling.input[0])


def _is_multiple(operations: Operations, name: str, of: str) -> bool:
    """Tell whether a tensor is another times something, number by number; look no further than a few."""
    seen, waiting = {name}, [name]
    while waiting and len(seen) <= MOST:
        name = waiting.pop()
        if name == of:
            return True
        node = operations.producers.get(name)
        if node is not None and (node.op_type == "Mul" or (node.op_type in PASSING and _passes(node))):
            further = set(node.input) - seen
            seen |= further
            waiting += sorted(further)
    return False


def _passes(node: Any) -> bool:
    """Tell whether an operation passes a tensor on as it is."""
    ints = {x.name: tuple(x.ints) for x in node.attribute}
    one = set(ints.pop("kernel_shape", ())) | set(ints.pop("strides", ())) <= {1}
    return node.op_type == "Identity" or (one and not ints)
