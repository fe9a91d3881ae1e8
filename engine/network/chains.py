"""Sums of many tensors as chains of additions: WebGPU has no Sum, and would send it to the CPU and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.network.graph import make_node, parse

if TYPE_CHECKING:
    from collections.abc import Iterator


def chained(content: bytes) -> bytes:
    """Return a model file that computes the same, to the bit, with Add in the place of each Sum.

    Raises ValueError where `content` is not a model file.
    """
    model = parse(content)
    nodes = [new for node in model.graph.node for new in _chain(node)]
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    result: bytes = model.SerializeToString()
    return result


def _chain(node: Any) -> Iterator[Any]:
    """Yield what takes an operation's place, from left to right, as ONNX Runtime adds up."""
    if node.op_type != "Sum":
        yield node
        return
    first, *others = node.input
    if not others:
        yield make_node("Identity", [first], node.output[0])
    for count, name in enumerate(others, 1):
        so_far = node.output[0] if count == len(others) else f"{node.output[0]}/first{count + 1}"
        yield make_node("Add", [first, name], so_far)
        first = so_far
