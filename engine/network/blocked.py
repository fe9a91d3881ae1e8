"""What ONNX Runtime would leave its blocked layout for, though it need not.

On a CPU it keeps what convolutions compute in blocks of channels, and puts it in order again for operations
that know no blocks.  A Split is one: its parts lie in order, and so their sums with what convolutions compute
are taken outside, and all that comes of them.  A pool of one place, which changes nothing, brings them in.
Shape is another: all of a tensor is put in order to ask for its sizes, for which a smaller one with the same
height and width will do.

The embedded model's gradients stay the same to the bit.  A convolution of very many channels adds to a sum in
several goes, which may round another way: in GoogLeNet that was 5e-7 of a gradient.
"""

from __future__ import annotations

from typing import Any, Final

from engine.network.graph import make_indices, make_node

SUMS: Final = frozenset(["Add", "Sum"])

BLOCKED: Final = frozenset(["Conv", "MaxPool", "AveragePool", "Relu", "HardSigmoid", "Concat"])
"""Operations that know blocks whatever sizes they are told of."""


def blocked(model: Any) -> None:
    """Have a parsed model leave the blocked layout less often; it computes the same."""
    _bring_parts_in(model.graph)
    _ask_smaller_ones(model.graph)


def _bring_parts_in(graph: Any) -> None:
    """Take sums of a Split's parts and what convolutions compute in the blocked layout."""
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


def _ask_smaller_ones(graph: Any) -> None:
    """Ask smaller tensors for the sizes of those that otherwise only operations with blocks take."""
    asked = {node.input[0] for node in graph.node if _asks(node)} - {x.name for x in graph.output}
    asked -= {x for node in graph.node if node.op_type not in BLOCKED and not _asks(node) for x in node.input}
    if not asked:
        return
    known = {x.name: _sizes(x) for x in graph.value_info}
    sizes = {name: x for name, x in known.items() if len(x) == 4 and isinstance(x[1], int)}
    smallest: dict[tuple[int | str, ...], str] = {}
    """For batch, height and width that tensor which is computed before, and has the fewest channels."""
    chosen: list[tuple[int, str]] = []
    for place, node in enumerate(graph.node):
        for name in node.output:
            # A convolution's own result nobody may ask: the ReLU behind it would be a step of its own then.
            if name in sizes and node.op_type == "Relu":
                plane = sizes[name][:1] + sizes[name][2:]
                smallest[plane] = min(smallest.get(plane, name), name, key=lambda x: sizes[x][1])
        if _asks(node) and node.input[0] in asked and node.input[0] in sizes:
            size = sizes[node.input[0]]
            smaller = smallest.get(size[:1] + size[2:], node.input[0])
            if sizes[smaller][1] != size[1]:
                chosen.append((place, smaller))
    for place, smaller in reversed(chosen):
        asking = graph.node[place]
        name, channels = asking.output[0], sizes[asking.input[0]][1]
        graph.initializer.append(make_indices(f"{name}/channels", [int(channels)]))
        del graph.node[place]
        graph.node.insert(
            place, make_node("Concat", [f"{name}/{x}" for x in ("number", "channels", "plane")], name, axis=0)
        )
        graph.node.insert(place, make_node("Shape", [smaller], f"{name}/plane", start=2, end=4))
        graph.node.insert(place, make_node("Shape", [smaller], f"{name}/number", start=0, end=1))


def _asks(node: Any) -> bool:
    """Tell whether an operation asks for all sizes of a tensor."""
    return node.op_type == "Shape" and len(node.input) == 1 and not node.attribute


def _sizes(value: Any) -> tuple[int | str, ...]:
    """Return a tensor's sizes, numbers or names; its own name where the file does not say all four."""
    sizes = tuple(x.dim_value or x.dim_param for x in value.type.tensor_type.shape.dim)
    return sizes if len(sizes) == 4 and all(sizes) else (value.name,)


def _brought_in(split: Any, number: int) -> Any:
    """Return what takes one of the parts of a Split into the blocked layout."""
    name = split.output[number]
    split.output[number] = f"{name}/in order"
    return make_node("AveragePool", [split.output[number]], name, kernel_shape=[1, 1], strides=[1, 1])
