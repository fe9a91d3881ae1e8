"""ReLUs where they cost least: before max pools, and no masks that change nothing."""

from __future__ import annotations

from typing import Any, Final

from engine.network.graph import make_node
from engine.network.maxima import Operations, tells_difference

PASSING: Final = frozenset(["Identity", "AveragePool"])
"""Operations that pass a tensor on as it is: an AveragePool of one place."""

PAIR: Final = ("gradient", "mask")
"""What a Mul takes that masks, in any order."""


def sooner(model: Any) -> None:
    """Have a parsed model take ReLUs before max pools, not behind them.

    What comes of it is the same, and the runtime has the convolution before take the ReLU along.  Only where
    a maximum is zero another place may have it, and no gradient passes through a ReLU there.  Pools with
    padding keep their names, by which a tile sets it, and so their order.
    """
    graph = model.graph
    nodes = Operations(graph)
    for relu in [x for x in graph.node if x.op_type == "Relu"]:
        pool = nodes.producers.get(relu.input[0])
        if pool is None or pool.op_type != "MaxPool" or any(x.name == "pads" for x in pool.attribute):
            continue
        (raw,), (maxima,), (result,) = pool.input, pool.output, relu.output
        comparing = [x for x in graph.node if raw in x.input and nodes.kernel(x.output[0])[0]]
        passing = [x for x in graph.node if maxima in x.input and nodes.kernel(x.output[0])[0] == [1]]
        asking = [x for x in graph.node if raw in x.input and x.op_type == "Shape"]
        if (
            nodes.producers.get(raw, relu).op_type == "Conv"
            and nodes.served(raw) == {x.output[0] for x in (pool, *comparing, *asking)}
            and nodes.served(maxima) == {x.output[0] for x in (relu, *passing)}
            and not nodes.given & {raw, maxima}
        ):
            for node in (pool, *comparing):
                node.input[0] = f"{raw}/positive"
            for node in passing:
                node.input[0] = result
            pool.output[0] = result
            graph.node.remove(relu)
            graph.node.insert(list(graph.node).index(pool), make_node("Relu", [raw], f"{raw}/positive"))


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
    alone = len(operations.served(mask)) == 1
    return alone and _is_multiple(operations, gradient, telling.input[0])


def _is_multiple(operations: Operations, name: str, of: str) -> bool:
    """Tell whether a tensor is another times something, number by number."""
    waiting = [name]
    while waiting:
        name = waiting.pop()
        if name == of:
            return True
        node = operations.producers.get(name)
        if node is None:
            continue
        if node.op_type == "Mul":
            waiting += node.input
        elif node.op_type in PASSING and _passes(node):
            waiting += node.input[:1]
    return False


def _passes(node: Any) -> bool:
    """Tell whether an operation passes a tensor on as it is."""
    ints = {x.name: tuple(x.ints) for x in node.attribute}
    one = set(ints.pop("kernel_shape", ())) | set(ints.pop("strides", ())) <= {1}
    return node.op_type == "Identity" or (one and not ints)
