"""What ONNX Runtime would leave its blocked layout for, though it need not.

On a CPU it keeps what convolutions compute in blocks of channels, and puts it in order again for operations
that know no blocks.  A Split is one: its parts lie in order, and so their sums with what convolutions compute
are taken outside, and all that comes of them.  A pool of one place, which changes nothing, brings them in.
"""

from __future__ import annotations

from typing import Any, Final

from engine.network.graph import make_node

SUMS: Final = frozenset(["Add", "Sum"])


def blocked(model: Any) -> None:
    """Have sums of parts in a parsed model taken in the blocked layout; their values stay the same."""
    graph = model.graph
    parts = {name for node in graph.node if node.op_type == "Split" for name in node.output}
    sums = [node for node in graph.node if node.op_type in SUMS and parts.intersection(node.input)]
    summed = {name for node in sums for name in node.input}
    computed = summed.intersection(x.output[0] for x in graph.node if x.op_type == "Conv")
    sizes = {x.name: _sizes(x) for x in graph.value_info if x.name in summed}
    # The runtime adds up in blocks only what it knows to have the same sizes.
    alike = [
        node
        for node in sums
        if computed.intersection(node.input) and len({sizes.get(x, (x,)) for x in node.input}) == 1
    ]
    moved = parts.intersection(name for node in alike for name in node.input)
    for place, node in reversed(list(enumerate(graph.node))):
        if node.op_type == "Split" and moved.intersection(node.output):
            for number, name in enumerate(node.output):
                if name in moved:
                    graph.node.insert(place + 1, _brought_in(node, number))


def _sizes(value: Any) -> tuple[int | str, ...]:
    """Return a tensor's sizes, numbers or names; its own name where the file does not say all four."""
    sizes = tuple(x.dim_value or x.dim_param for x in value.type.tensor_type.shape.dim)
    return sizes if len(sizes) == 4 and all(sizes) else (value.name,)


def _brought_in(split: Any, number: int) -> Any:
    """Return what takes one of the parts of a Split into the blocked layout."""
    name = split.output[number]
    split.output[number] = f"{name}/in order"
    return make_node("AveragePool", [split.output[number]], name, kernel_shape=[1, 1], strides=[1, 1])
