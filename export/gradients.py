"""Conversion rules for the gradient ops that tf2onnx lacks or converts poorly: one rule per op.

TensorFlow derives the gradient; each rule here only says what one op of that gradient is in ONNX.  All expect
the graph in NCHW, as export/network.py traces it, and are exact, ties in flat areas included.  The forms are
chosen for what ONNX Runtime does fast; docs/decisions/0002-gradient-graph.md has the reasons.

A rule gets tf2onnx's graph and the TensorFlow node that it replaces.  The comment in each gives the
node's TensorFlow signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    # tf2onnx has no type information: its Graph and Node.
    Graph = Any
    Node = Any
    Handler = Callable[..., None]

SMALLEST = np.iinfo(np.int64).min


def rules() -> dict[str, tuple[Handler, list[Any]]]:
    """Return the rules as `custom_op_handlers` for tf2onnx."""
    handlers = {
        "AvgPoolGrad": avg_pool_grad,
        "Conv2DBackpropInput": conv2d_backprop_input,
        "MaxPoolGrad": max_pool_grad,
        "ReluGrad": relu_grad,
        "ShapeN": shape_n,
        "StridedSliceGrad": strided_slice_grad,
    }
    return {op: (handler, []) for op, handler in handlers.items()}


def relu_grad(ctx: Graph, node: Node, _name: str, _args: object) -> None:
    """`g * (y > 0)`, the mask as a steep HardSigmoid.

    Where and Greater would leave ONNX Runtime's blocked layout.
    """
    # backprops = ReluGrad(gradients, features)
    gradients, features = node.input
    mask = ctx.make_node("HardSigmoid", [features], attr={"alpha": 1e30, "beta": 0.0})
    _replace(ctx, node, "Mul", [gradients, mask.output[0]])


def conv2d_backprop_input(ctx: Graph, node: Node, _name: str, _args: object) -> None:
    """At stride 1 an ordinary convolution with the kernel turned by 180° and its channels swapped.

    At a larger stride a ConvTranspose, padded at the end where the stride left out rows of the input.
    """
    # output = Conv2DBackpropInput(int32 input_sizes, filter [h, w, in, out], out_backprop,
    #     @list(int) strides, @string padding, @string data_format, @list(int) dilations)
    input_sizes, kernel, upstream = node.input
    _require(node, _string(node, "data_format") == "NCHW", "data_format NCHW")
    _require(node, set(_ints(node, "dilations")) == {1}, "no dilation")
    stride_h, stride_w = _ints(node, "strides")[2:]
    size = ctx.get_shape(kernel)[:2]
    if stride_h == stride_w == 1:
        pads = [k - 1 - p for k, p in zip(size * 2, _forward_pads(node, size), strict=True)]
        turned = ctx.make_node("Transpose", [kernel], attr={"perm": [2, 3, 0, 1]}).output[0]
        if max(size) > 1:
            turned = _slice(ctx, turned, [-1, -1], [SMALLEST, SMALLEST], [2, 3], [-1, -1])
        attributes = {"kernel_shape": size, "strides": [1, 1], "pads": pads}
        _replace(ctx, node, "Conv", [upstream, turned], attributes)
        return
    _require(node, _string(node, "padding") == "VALID", "padding VALID at strides above 1")
    swapped = ctx.make_node("Transpose", [kernel], attr={"perm": [3, 2, 0, 1]}).output[0]
    attributes = {"kernel_shape": size, "strides": [stride_h, stride_w]}
    spread = ctx.make_node("ConvTranspose", [upstream, swapped], attr=attributes).output[0]
    wanted = ctx.make_node("Cast", [input_sizes], attr={"to": TensorProto.INT64}).output[0]
    missing = ctx.make_node("Sub", [wanted, ctx.make_node("Shape", [spread]).output[0]]).output[0]
    at_end = _join(ctx, [_const(ctx, [0, 0, 0, 0, 0, 0]), _slice(ctx, missing, [2], [4], [0])])
    _replace(ctx, node, "Pad", [spread, at_end])


def avg_pool_grad(ctx: Graph, node: Node, _name: str, _args: object) -> None:
    """`box(g / box(1))` where `box` is the mean over a window that counts the padding.

    TensorFlow divides by the number of positions that exist, which is what `box(1)` measures.
    """
    # output = AvgPoolGrad(int32 orig_input_shape, grad,
    #     @list(int) ksize, @list(int) strides, @string padding, @string data_format)
    _, upstream = node.input
    _require(node, _string(node, "data_format") == "NCHW", "data_format NCHW")
    _require(node, set(_ints(node, "strides")) == {1}, "stride 1")
    _require(node, _string(node, "padding") == "SAME", "padding SAME")
    size = _ints(node, "ksize")[2:]
    _require(node, all(k % 2 for k in size), "an odd window")
    attributes = {
        "kernel_shape": size,
        "strides": [1, 1],
        "pads": [k // 2 for k in size * 2],
        "count_include_pad": 1,
    }
    shape = ctx.make_node("Shape", [upstream]).output[0]
    plane = _join(ctx, [_const(ctx, [1, 1]), _slice(ctx, shape, [2], [4], [0])])
    ones = ctx.make_node("Expand", [_const(ctx, [[[[1]]]], np.float32), plane]).output[0]
    share = ctx.make_node("AveragePool", [ones], attr=attributes).output[0]
    divided = ctx.make_node("Div", [upstream, share]).output[0]
    _replace(ctx, node, "AveragePool", [divided], attributes)


def max_pool_grad(ctx: Graph, node: Node, _name: str, _args: object) -> None:
    """Add each gradient to the position of its window's first maximum.

    Windows overlap, so gradients add up: MaxUnpool, which assigns, would lose some.  MaxPool's Indices name
    the first maximum in row-major order, as TensorFlow does; in flat areas (sky, paper) ties are the rule.
    """
    # output = MaxPoolGrad(orig_input, orig_output, grad,
    #     @list(int) ksize, @list(int) strides, @string padding, @string data_format)
    features, _, upstream = node.input
    _require(node, _string(node, "data_format") == "NCHW", "data_format NCHW")
    _require(node, _string(node, "padding") == "VALID", "padding VALID")
    pool = _with_indices(ctx, node.inputs[1])
    shape = ctx.make_node("Shape", [features]).output[0]
    length = ctx.make_node("ReduceProd", [shape], attr={"keepdims": 1}).output[0]
    zeros = ctx.make_node("Expand", [_const(ctx, [0], np.float32), length]).output[0]
    flat = _const(ctx, [-1])
    indices = ctx.make_node("Reshape", [pool.output[1], flat]).output[0]
    updates = ctx.make_node("Reshape", [upstream, flat]).output[0]
    attributes = {"axis": 0, "reduction": "add"}
    added = ctx.make_node("ScatterElements", [zeros, indices, updates], attr=attributes).output[0]
    _replace(ctx, node, "Reshape", [added, shape])


def strided_slice_grad(ctx: Graph, node: Node, _name: str, _args: object) -> None:
    """Zeros around the gradient.

    A cut that left nothing, of a layer smaller than its border, gives all zeros.
    """
    # output = StridedSliceGrad(int32 shape, begin, end, strides, dy,
    #     @int begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    shape, _, _, _, upstream = node.input
    begin, strides = (node.inputs[i].get_tensor_value(as_list=True) for i in (1, 3))
    _require(node, set(strides) == {1}, "step 1")
    unused = ("ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    _require(node, not any(node.get_attr_value(mask, 0) for mask in unused), "ranges on every axis")
    begin_mask = node.get_attr_value("begin_mask", 0)
    begin = [0 if begin_mask >> axis & 1 else start for axis, start in enumerate(begin)]
    _require(node, min(begin) >= 0, "starts counted from the front")
    whole = ctx.make_node("Cast", [shape], attr={"to": TensorProto.INT64}).output[0]
    before = ctx.make_node("Min", [_const(ctx, begin), whole]).output[0]
    present = ctx.make_node("Shape", [upstream]).output[0]
    rest = ctx.make_node("Sub", [whole, before]).output[0]
    after = ctx.make_node("Sub", [rest, present]).output[0]
    _replace(ctx, node, "Pad", [upstream, _join(ctx, [before, after])])


def shape_n(ctx: Graph, node: Node, _name: str, _args: object) -> None:
    """One Shape per input."""
    # output[i] = ShapeN(input[i]), @type out_type
    inputs, outputs = list(node.input), list(node.output)
    to = node.get_attr_value("out_type")
    ctx.remove_node(node.name)
    for source, output in zip(inputs, outputs, strict=True):
        shape = ctx.make_node("Shape", [source]).output[0]
        ctx.make_node("Cast", [shape], attr={"to": to}, outputs=[output], dtypes=[to])


def _with_indices(ctx: Graph, pool: Node) -> Node:
    """Return the forward MaxPool with its second output, the indices, added."""
    _require(pool, pool.type == "MaxPool", "a forward MaxPool in NCHW, without transpositions")
    if len(pool.output) == 2:
        return pool
    values, inputs = pool.output[0], list(pool.input)
    attributes = {key: pool.get_attr_value(key) for key in ("kernel_shape", "strides")}
    shape, dtype = ctx.get_shape(values), ctx.get_dtype(values)
    ctx.remove_node(pool.name)
    return ctx.make_node(
        "MaxPool",
        inputs,
        attr=attributes,
        outputs=[values, f"{values}/indices"],
        shapes=[shape, shape],
        dtypes=[dtype, TensorProto.INT64],
    )


def _forward_pads(node: Node, size: Sequence[int]) -> list[int]:
    """Return what a forward convolution of stride 1 pads: before h, before w, after h, after w."""
    if _string(node, "padding") == "VALID":
        return [0, 0, 0, 0]
    before = [(k - 1) // 2 for k in size]
    return before + [k - 1 - p for k, p in zip(size, before, strict=True)]


def _replace(
    ctx: Graph, node: Node, op: str, inputs: list[str], attributes: dict[str, Any] | None = None
) -> None:
    """Put an ONNX node in the place of the TensorFlow node, under the name of its output."""
    output = node.output[0]
    shape, dtype = ctx.get_shape(output), ctx.get_dtype(output)
    ctx.remove_node(node.name)
    ctx.make_node(op, inputs, attr=attributes or {}, outputs=[output], shapes=[shape], dtypes=[dtype])


def _slice(
    ctx: Graph,
    data: str,
    starts: Sequence[int],
    ends: Sequence[int],
    axes: Sequence[int],
    steps: Sequence[int] | None = None,
) -> str:
    bounds = [_const(ctx, part) for part in (starts, ends, axes, steps) if part is not None]
    return str(ctx.make_node("Slice", [data, *bounds]).output[0])


def _join(ctx: Graph, parts: list[str]) -> str:
    return str(ctx.make_node("Concat", parts, attr={"axis": 0}).output[0])


def _const(ctx: Graph, value: ArrayLike, dtype: type[np.generic] = np.int64) -> str:
    from tf2onnx.utils import make_name  # noqa: PLC0415 - takes seconds; `--help` must not wait for it

    return str(ctx.make_const(make_name("const"), np.array(value, dtype)).output[0])


def _ints(node: Node, name: str) -> list[int]:
    return list(node.get_attr(name).ints)


def _string(node: Node, name: str) -> str:
    return str(node.get_attr(name).s.decode())


def _require(node: Node, met: bool, what: str) -> None:
    if not met:
        raise NotImplementedError(f"the rule for {node.type} ({node.name}) needs {what}")
