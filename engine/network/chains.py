"""What WebGPU does not have, made of what it has: sums of many tensors, and splits into many parts.

It has no Sum, and would send it to the CPU and back.  A Split takes a buffer for each part, and an adapter
need not give an operation more than eight (`maxStorageBuffersPerShaderStage` in the WebGPU specification).

A CPU has Sum, but computes it with one thread, and Add with all.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from engine.network.graph import changed, make_indices, make_node

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST: Final = 7
"""Parts of a Split, at most; what is split takes a buffer, too."""


def chained(content: bytes) -> bytes:
    """Return a model file that computes the same, to the bit, with neither Sum nor a split into many parts.

    Raises ValueError where `content` is not a model file.
    """
    return changed(content, _add_in_chains, _split_in_groups)


def in_pairs(model: Any) -> None:
    """Have a parsed model add up two tensors with Add instead of Sum; it computes the same, to the bit."""
    for node in model.graph.node:
        if node.op_type == "Sum" and len(node.input) == 2:
            node.op_type = "Add"


def _add_in_chains(model: Any) -> None:
    for place, node in reversed(list(enumerate(model.graph.node))):
        if node.op_type == "Sum":
            chain = list(_chain(node))
            del model.graph.node[place]
            for new in reversed(chain):
                model.graph.node.insert(place, new)


def _chain(node: Any) -> Iterator[Any]:
    """Yield what takes a Sum's place, from left to right, as ONNX Runtime adds up."""
    first, *others = node.input
    if not others:
        yield make_node("Identity", [first], node.output[0])
    for count, name in enumerate(others, 1):
        so_far = node.output[0] if count == len(others) else f"{node.output[0]}/first{count + 1}"
        yield make_node("Add", [first, name], so_far)
        first = so_far


def _split_in_groups(model: Any) -> None:
    graph = model.graph
    stored = {x.name: x.raw_data for x in graph.initializer}
    for place, node in reversed(list(enumerate(graph.node))):
        if node.op_type != "Split" or len(node.output) <= MOST or len(node.input) < 2:
            continue
        sizes = stored.get(node.input[1], b"")
        if len(sizes) != 8 * len(node.output):  # not the way in which sizes are exported
            continue
        new = list(_groups(node, struct.unpack(f"<{len(node.output)}q", sizes)))
        del graph.node[place]
        for split, numbers in reversed(new):
            graph.node.insert(place, split)
            graph.initializer.append(numbers)


def _groups(node: Any, sizes: tuple[int, ...]) -> Iterator[tuple[Any, Any]]:
    """Yield the splits that take one's place, with their stored sizes: into groups, and these into parts."""
    parts = list(zip(node.output, sizes, strict=True))
    groups: dict[str, list[tuple[str, int]]] = {}
    while len(parts) > MOST:
        cut = [parts[x : x + MOST] for x in range(0, len(parts), MOST)]
        parts = [(f"{x[0][0]}/and{len(x) - 1}", sum(size for _, size in x)) for x in cut]
        groups |= {name: x for (name, _), x in zip(parts, cut, strict=True)}
    groups[node.input[0]] = parts
    for name, group in reversed(groups.items()):
        split = make_node("Split", [name, f"{group[0][0]}/sizes"], group[0][0])
        split.output.extend(x for x, _ in group[1:])
        split.attribute.extend(node.attribute)
        yield split, make_indices(split.input[1], [size for _, size in group])
