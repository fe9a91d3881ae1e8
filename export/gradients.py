"""Conversion rules for the gradient ops that tf2onnx lacks or converts poorly: one rule per op.

The gradient's graph is given; each rule only says how one of its ops is written in ONNX.  The rules expect
the graph in NCHW, as export/network.py traces it, and are exact, including ties in flat areas.  They use the
operations that ONNX Runtime is fast at; docs/decisions/0002-gradient-graph.md gives the reasons.

A rule gets tf2onnx's graph and the TensorFlow node that it replaces.  The comment in each rule is the node's
TensorFlow signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    # The Graph and Node of tf2onnx, which has no type information.
    Graph = Any
    Node = Any
    Handler = Callable[..., None]

SMALLEST = np.iinfo(np.int64).min

PLACE = "/place"
"""Suffix of the tensor that says where a max pool found its maxima, after the name of these maxima."""


def rules() -> dict[str, tuple[Handler, list[Any]]]:
    """Return the rules as `custom_op_handlers` for tf2onnx."""
    handlers = {
        "AvgPoolGrad": avg_pool_grad,
        "Conv2DBackpropInput": conv2d_backprop_input,
        "MaxPoolGrad": max_pool_grad,
        "ReluGrad": relu_grad,
        "ShapeN": shape_n,
    }
    return {op: (handler, []) for op, handler in handlers.items()}


def relu_grad(ctx: Graph, node: Node, _name: str, _args: object) -> None:
    """`g * (y > 0)`, with the mask as a steep HardSigmoid.

    The ops Where and Greater would leave ONNX Runtime's blocked layout.
    """
    # backprops = ReluGrad(gradients, features)
    gradients, features = node.input
    mask = ctx.make_node("HardSigmoid", [features], attr={"alpha": 1e30, "beta": 0.0})
    _replace(ctx, node, "Mul", [gradients, mask.output[0]])


def conv2d_backprop_input(ctx: Graph, node: Node, _name: str, _args: object) -> None:
    """At stride 1, a convolution with the kernel rotated by 180° and its channels swapped.

    At larger strides, a ConvTranspose, padded at the end for the input rows that the stride left out; or cut
    there, where the forward convolution pads by more than that.
    """
    # output = Conv2DBackpropInput(int32 input_sizes, filter [h, w, in, out], out_backprop,
    #     @list(int) strides, @string padding, @list(int) explicit_paddings, @string data_format,
    #     @list(int) dilations)
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
    pads = _forward_pads(node, size)
    left_out = max(stride_h, stride_w) - 1
    padded = all(pad >= left_out for pad in pads[2:])
    _require(node, padded or not any(pads), "no padding, or all that the stride leaves out")
    swapped = ctx.make_node("Transpose", [kernel], attr={"perm": [3, 2, 0, 1]}).output[0]
    attributes = {"kernel_shape": size, "strides": [stride_h, stride_w]}
    if padded:
        attributes["pads"] = [*pads[:2], *(pad - left_out for pad in pads[2:])]
    spread = ctx.make_node("ConvTranspose", [upstream, swapped], attr=attributes).output[0]
    wanted = ctx.make_node("Cast", [input_sizes], attr={"to": TensorProto.INT64}).output[0]
    if padded:
        sides = ctx.make_node("Slice", [wanted, _const(ctx, [2]), _const(ctx, [4]), _const(ctx, [0])])
        bounds = [_const(ctx, [0, 0]), sides.output[0], _const(ctx, [2, 3])]
        _replace(ctx, node, "Slice", [spread, *bounds])
        return
    missing = ctx.make_node("Sub", [wanted, ctx.make_node("Shape", [spread]).output[0]]).output[0]
    at_end = _join(ctx, [_const(ctx, [0, 0, 0, 0, 0, 0]), _slice(ctx, missing, [2], [4], [0])])
    padded = ctx.make_node("Pad", [spread, at_end]).output[0]
    # Changes no size, but states them for ONNX's shape inference, which does not follow them through Pad.
    _replace(ctx, node, "Reshape", [padded, wanted])


def avg_pool_grad(ctx: Graph, node: Node, _name: str, _args: object) -> None:
    """`box(g / box(1))`, where `box` is the mean over a window that counts the padding.

    TensorFlow divides by the number of positions that exist, to which `box(1)` is proportional.
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

    Windows overlap, so gradients add up: MaxUnpool, which assigns, would lose some.  In flat areas (sky,
    paper) ties are the rule, and TensorFlow gives everything to the first maximum in row-major order.  The
    Indices output of MaxPool names the same one, but makes ONNX Runtime compare values one by one, which is
    twenty times slower than finding the maxima alone; see `_places`.

    Windows may reach beyond the end.  What is there counts as zero, which is found only where a maximum is
    negative: nobody may ask for a gradient of such a window.  A ReLU on either side of the pool sees to that.
    """
    # output = MaxPoolGrad(orig_input, orig_output, grad, @list(int) ksize, @list(int) strides,
    #     @string padding, @list(int) explicit_paddings, @string data_format)
    features, maxima, upstream = node.input
    _require(node, _string(node, "data_format") == "NCHW", "data_format NCHW")
    _require(node, _string(node, "padding") in ("VALID", "EXPLICIT"), "padding VALID or EXPLICIT")
    _require(node, _ints(node, "ksize")[2:] == [3, 3], "windows of 3x3")
    pads = _forward_pads(node, [3, 3])
    _require(node, pads in ([0, 0, 0, 0], [0, 0, 1, 1]), "no padding but one at the end")
    stride = _ints(node, "strides")[2]
    _require(node, _ints(node, "strides")[2:] in ([1, 1], [2, 2]), "stride 1 or 2")
    shape = ctx.make_node("Shape", [features]).output[0]
    column, row = _places(ctx, features, maxima, stride, pads)
    width = _slice(ctx, shape, [3], [4], [0])
    # So far there are nine places in row-major order; add what each new row skips in the plane.
    skipped = ctx.make_node("Sub", [width, _const(ctx, [3])]).output[0]
    skipped = ctx.make_node("Cast", [skipped], attr={"to": TensorProto.FLOAT}).output[0]
    below = ctx.make_node("Mul", [row, skipped]).output[0]
    place = ctx.make_node("Add", [column, below], outputs=[f"{maxima}{PLACE}"]).output[0]
    place = ctx.make_node("Cast", [place], attr={"to": TensorProto.INT64}).output[0]
    indices = ctx.make_node("Add", [place, _corners(ctx, maxima, width, stride)]).output[0]
    if any(pads):
        area = ctx.make_node("ReduceProd", [_slice(ctx, shape, [2], [4], [0])], attr={"keepdims": 1}).output[
            0
        ]
        last = ctx.make_node("Sub", [area, _const(ctx, [1])]).output[0]
        indices = ctx.make_node("Min", [indices, last]).output[0]
    flat = _const(ctx, [0, 0, -1])
    kept = ctx.make_node("Reshape", [upstream, flat]).output[0]
    indices = ctx.make_node("Reshape", [indices, flat]).output[0]
    planes = _slice(ctx, shape, [0], [2], [0])
    area = ctx.make_node("ReduceProd", [_slice(ctx, shape, [2], [4], [0])], attr={"keepdims": 1}).output[0]
    # Zeros that are not constants: ONNX Runtime would store megabytes of constants for each picture size, and
    # copy them instead of writing into them.
    one = _slice(ctx, ctx.make_node("Reshape", [upstream, _const(ctx, [-1])]).output[0], [0], [1], [0])
    zero = ctx.make_node("Sub", [one, one]).output[0]
    zeros = ctx.make_node("Expand", [zero, _join(ctx, [planes, area])]).output[0]
    attributes = {"axis": 2, "reduction": "add"}
    added = ctx.make_node("ScatterElements", [zeros, indices, kept], attr=attributes).output[0]
    _replace(ctx, node, "Reshape", [added, shape])


def _places(ctx: Graph, features: str, maxima: str, stride: int, pads: list[int]) -> tuple[str, str]:
    """Return where each window's first maximum is: its place, 0 to 8 in row-major order, and its row.

    Place and row are counted by comparing the maximum with each place in turn, with operations that stay in
    ONNX Runtime's blocked layout: a depthwise convolution picks one place out of each window, it is
    subtracted from the maximum, and a steep HardSigmoid tells whether anything is left.  While there is, the
    maximum lies further on.  The maximum itself passes through a convolution as well: on a GPU that rounds
    what it convolves (TF32), both are rounded alike, and values that were equal stay equal.
    """
    channels = ctx.get_shape(features)[1]
    picked = np.ones((channels, 1, 1, 1), np.float32)
    attributes = {"group": channels, "kernel_shape": [1, 1]}
    maxima = ctx.make_node("Conv", [maxima, _const(ctx, picked, np.float32)], attr=attributes).output[0]
    attributes = {"group": channels, "kernel_shape": [3, 3], "strides": [stride, stride], "pads": pads}
    further: list[str] = []
    for number in range(8):
        kernel = np.zeros((channels, 1, 3, 3), np.float32)
        kernel[:, 0, number // 3, number % 3] = -1
        negated = ctx.make_node("Conv", [features, _const(ctx, kernel, np.float32)], attr=attributes).output[
            0
        ]
        left = ctx.make_node("Add", [maxima, negated]).output[0]
        passed = ctx.make_node("HardSigmoid", [left], attr={"alpha": 1e30, "beta": 0.0}).output[0]
        further.append(ctx.make_node("Mul", [further[-1], passed]).output[0] if further else passed)
    place = further[0]
    for more in further[1:]:
        place = ctx.make_node("Add", [place, more]).output[0]
    return place, ctx.make_node("Add", [further[2], further[5]]).output[0]


def _corners(ctx: Graph, maxima: str, width: str, stride: int) -> str:
    """Return the index of each window's top left corner in its plane, int64 [1, 1, h, w]."""
    shape = ctx.make_node("Shape", [maxima]).output[0]
    step = _const(ctx, [stride])
    axes = []
    for axis in (2, 3):
        size = ctx.make_node("Squeeze", [_slice(ctx, shape, [axis], [axis + 1], [0])]).output[0]
        counted = ctx.make_node("Range", [_const(ctx, 0), size, _const(ctx, 1)]).output[0]
        axes.append(ctx.make_node("Mul", [counted, step]).output[0])
    rows = ctx.make_node("Mul", [axes[0], width]).output[0]
    rows = ctx.make_node("Reshape", [rows, _const(ctx, [1, 1, -1, 1])]).output[0]
    return str(ctx.make_node("Add", [rows, axes[1]]).output[0])


def shape_n(ctx: Graph, node: Node, _name: str, _args: object) -> None:
    """One Shape per input."""
    # output[i] = ShapeN(input[i]), @type out_type
    inputs, outputs = list(node.input), list(node.output)
    to = node.get_attr_value("out_type")
    ctx.remove_node(node.name)
    for source, output in zip(inputs, outputs, strict=True):
        shape = ctx.make_node("Shape", [source]).output[0]
        ctx.make_node("Cast", [shape], attr={"to": to}, outputs=[output], dtypes=[to])


def _forward_pads(node: Node, size: Sequence[int]) -> list[int]:
    """Return the padding of a forward convolution: before h, before w, after h, after w.

    That called SAME is known at stride 1 only: at others it depends on the picture's size.
    """
    if _string(node, "padding") == "VALID":
        return [0, 0, 0, 0]
    if _string(node, "padding") == "EXPLICIT":
        top, bottom, left, right = _ints(node, "explicit_paddings")[4:]
        return [top, left, bottom, right]
    _require(node, set(_ints(node, "strides")) == {1}, "padding VALID or EXPLICIT at strides above 1")
    before = [(k - 1) // 2 for k in size]
    return before + [k - 1 - p for k, p in zip(size, before, strict=True)]


def _replace(
    ctx: Graph, node: Node, op: str, inputs: list[str], attributes: dict[str, Any] | None = None
) -> None:
    """Replace the TensorFlow node with an ONNX node whose output has the same name."""
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
