"""Writes export/operations.py as ONNX: each operation's way forward, and its gradient.

All is [N, C, H, W], and the gradients are written with the operations that ONNX Runtime is fast at:
docs/decisions/0002-gradient-graph.md, whose exact forms these are.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from onnx import TensorProto

from export.errors import ConversionError
from export.gradients import PLACE
from export.operations import (
    Add,
    AveragePool,
    Concat,
    Convolution,
    MaxPool,
    Operation,
    Pad,
    Relu,
    SamePad,
    Shape,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from export.sheet import Sheet

    Pull: TypeAlias = Callable[[str], Sequence[str]]
    """From the gradient for an operation's output to those for each of its sources."""


def write(
    sheet: Sheet, operation: Operation, shapes: Mapping[str, Shape], names: Mapping[str, str], number: int
) -> Pull:
    """Write an operation's way forward into `sheet`, as a tensor of its name, and return its gradient.

    `names` are the tensors of the operations that it reads; a convolution's parameters have its `number`.
    """
    sources = [names[x] for x in operation.sources]
    inputs, own = [shapes[x] for x in operation.sources], shapes[operation.name]
    match operation:
        case Convolution():
            pull = _convolution(sheet, operation, sources[0], inputs[0], own, number)
        case Relu():
            pull = _relu(sheet, operation, sources[0], own)
        case MaxPool():
            pull = _max_pool(sheet, operation, sources[0], inputs[0], own)
        case AveragePool():
            pull = _average_pool(sheet, operation, sources[0], inputs[0], own)
        case Pad() | SamePad():
            pull = _pad(sheet, operation, sources[0], inputs[0], own)
        case Add():
            sheet.node("Sum", sources, operation.name, own)
            pull = partial(_copied, count=len(sources))
        case Concat():
            sheet.node("Concat", sources, operation.name, own, axis=1)
            pull = partial(sheet.split, widths=sheet.ints([x.channels for x in inputs]), shapes=inputs)
        case _:
            raise ConversionError(f"{operation.name}: there is no rule for a {type(operation).__name__}")
    return pull


def _copied(upstream: str, count: int) -> list[str]:
    return [upstream] * count


def _convolution(
    sheet: Sheet, operation: Convolution, x: str, before: Shape, own: Shape, number: int
) -> Pull:
    """Write a convolution; its gradient is one with the kernel turned, at a stride a transposed one."""
    size, pads, stride = operation.size, list(operation.pads), operation.stride
    kernel, group = f"kernel_{number}", own.channels if operation.depthwise else 1
    if len(operation.kernel.shape) == 1:
        forward = sheet.node("Reshape", [kernel, sheet.ints([-1, 1, 1, 1])])
    else:
        forward = sheet.node(
            "Transpose", [kernel], perm=[2, 3, 0, 1] if operation.depthwise else [3, 2, 0, 1]
        )
    if operation.factor is not None:
        factor = sheet.node("Reshape", [f"factor_{number}", sheet.ints([-1, 1, 1, 1])])
        forward = sheet.node("Mul", [forward, factor])
    how: dict[str, Any] = {"kernel_shape": list(size), "group": group}
    sheet.node(
        "Conv", [x, forward, f"bias_{number}"], operation.name, own, pads=pads, strides=[stride] * 2, **how
    )

    def pull(upstream: str) -> list[str]:
        if stride > 1:
            return [_strided_gradient(sheet, operation, upstream, forward, x, before)]
        turned = forward if operation.depthwise else sheet.node("Transpose", [kernel], perm=[2, 3, 0, 1])
        if max(size) > 1:
            back, axes = sheet.ints([-1, -1]), sheet.ints([2, 3])
            turned = sheet.node("Slice", [turned, back, sheet.ints([-(2**31)] * 2), axes, back])
        full = [k - 1 - p for k, p in zip([*size, *size], pads, strict=True)]
        return [sheet.node("Conv", [upstream, turned], shape=before, pads=full, strides=[1, 1], **how)]

    return pull


def _strided_gradient(
    sheet: Sheet, operation: Convolution, upstream: str, kernel: str, x: str, before: Shape
) -> str:
    """Return the gradient of a convolution at a stride, as large as its input `x`.

    What no window reached is at the end of the padding, or, where there is none, of the input.
    """
    top, left, *ends = operation.pads
    how: dict[str, Any] = {"kernel_shape": list(operation.size), "strides": [operation.stride] * 2}
    group = before.channels if operation.depthwise else 1
    spread = sheet.node("ConvTranspose", [upstream, kernel], pads=[top, left, 0, 0], group=group, **how)
    if min(ends) >= operation.stride - 1:
        none, axes = sheet.ints([0, 0]), sheet.ints([2, 3])
        return sheet.node("Slice", [spread, none, sheet.sides(x), axes], shape=before)
    if max(ends) > 0:
        raise ConversionError(
            f"{operation.name}: there is no rule for stride {operation.stride} with pads {ends} at the end"
        )
    return sheet.padded_to(spread, x, before)


def _relu(sheet: Sheet, operation: Relu, x: str, own: Shape) -> Pull:
    """`g * (0 < y < limit)`, with steep HardSigmoids as masks; powers of two make the limit itself exact."""
    limit = operation.limit
    if limit is None:
        y = sheet.node("Relu", [x], operation.name, own)
    else:
        bounds = [sheet.number(0.0), sheet.number(limit)]
        y = sheet.node("Clip", [x, *bounds], operation.name, own)

    def pull(upstream: str) -> list[str]:
        passed = sheet.node("HardSigmoid", [y], shape=own, alpha=1e30, beta=0.0)
        gradient = sheet.node("Mul", [upstream, passed], shape=own)
        if limit is not None:
            below = sheet.node("HardSigmoid", [y], shape=own, alpha=-(2.0**100), beta=limit * 2.0**100)
            gradient = sheet.node("Mul", [gradient, below], shape=own)
        return [gradient]

    return pull


def _average_pool(sheet: Sheet, operation: AveragePool, x: str, before: Shape, own: Shape) -> Pull:
    """Where the border's windows are smaller, `box(g / box(1))`; otherwise each place gets its share."""
    size = [operation.size] * 2
    pads = [x // 2 for x in size * 2] if operation.same else [0, 0, 0, 0]
    how: dict[str, Any] = {"kernel_shape": size, "strides": [operation.stride] * 2, "pads": pads}
    sheet.node("AveragePool", [x], operation.name, own, **how)

    def pull(upstream: str) -> list[str]:
        if operation.same:
            ones = sheet.node(
                "Expand", [sheet.array(np.ones((1, 1, 1, 1), np.float32)), sheet.plane(upstream)]
            )
            share = sheet.node("AveragePool", [ones], count_include_pad=1, **how)
            divided = sheet.node("Div", [upstream, share], shape=own)
            return [sheet.node("AveragePool", [divided], shape=before, count_include_pad=1, **how)]
        shares = np.full((own.channels, 1, *size), 1 / (size[0] * size[1]), np.float32)
        spread = sheet.node("ConvTranspose", [upstream, sheet.array(shares)], group=own.channels, **how)
        return [sheet.padded_to(spread, x, before)]

    return pull


def _pad(sheet: Sheet, operation: Pad | SamePad, x: str, inner: Shape, own: Shape) -> Pull:
    """Pad; the gradient is what lies inside."""
    value = 0.0
    if isinstance(operation, Pad):
        before, after = sheet.ints(operation.pads[:2]), sheet.ints(operation.pads[2:])
    else:  # of an odd side, one more goes before
        value, half = operation.value, (operation.window - 1) // 2
        odd = sheet.node("Mod", [sheet.sides(x), sheet.ints([2])])
        before, after = sheet.node("Add", [odd, sheet.ints([half - 1] * 2)]), sheet.ints([half] * 2)
    none = sheet.ints([0, 0])
    amounts = sheet.node("Concat", [none, before, none, after], axis=0)
    sheet.node("Pad", [x, amounts, sheet.number(value)], operation.name, own)

    def pull(upstream: str) -> list[str]:
        ends = sheet.node("Add", [before, sheet.sides(x)])
        return [sheet.node("Slice", [upstream, before, ends, sheet.ints([2, 3])], shape=inner)]

    return pull


def _max_pool(sheet: Sheet, operation: MaxPool, x: str, before: Shape, own: Shape) -> Pull:
    """Each gradient goes to the first maximum of its window, in row-major order, and adds up there."""
    how: dict[str, Any] = {"kernel_shape": [operation.size] * 2, "strides": [operation.stride] * 2}
    maxima = sheet.node("MaxPool", [x], operation.name, own, **how)

    def pull(upstream: str) -> list[str]:
        place = _first_places(sheet, operation, x, maxima, own)
        added = _scattered(sheet, operation.stride, x, maxima, place, upstream)
        return [sheet.node("Reshape", [added, sheet.node("Shape", [x])], shape=before)]

    return pull


def _first_places(sheet: Sheet, operation: MaxPool, features: str, maxima: str, own: Shape) -> str:
    """Return where each window's first maximum lies, counted in the plane from the window's corner.

    By comparing the maximum with each place in turn, in operations that stay in ONNX Runtime's blocked
    layout; export/gradients.py says how, and why not by MaxPool's own Indices.
    """
    size, channels = operation.size, own.channels
    picked = np.ones((channels, 1, 1, 1), np.float32)
    how: dict[str, Any] = {"kernel_shape": [1, 1], "group": channels}
    maxima = sheet.node("Conv", [maxima, sheet.array(picked)], shape=own, **how)
    how = {"kernel_shape": [size] * 2, "strides": [operation.stride] * 2, "group": channels}
    further: list[str] = []
    for number in range(size * size - 1):
        kernel = np.zeros((channels, 1, size, size), np.float32)
        kernel[:, 0, number // size, number % size] = -1
        negated = sheet.node("Conv", [features, sheet.array(kernel)], shape=own, **how)
        left = sheet.node("Add", [maxima, negated], shape=own)
        passed = sheet.node("HardSigmoid", [left], shape=own, alpha=1e30, beta=0.0)
        further.append(sheet.node("Mul", [further[-1], passed], shape=own) if further else passed)
    rows = further[size - 1 :: size]  # a maximum beyond a row's last place lies in a row below
    row = rows[0] if len(rows) == 1 else sheet.node("Add", rows, shape=own)
    place = further[0]
    for more in further[1:]:
        place = sheet.node("Add", [place, more], shape=own)
    # So far places are counted in row-major order of the window; each row skips the rest of the plane's.
    skipped = sheet.node("Sub", [sheet.width(features), sheet.ints([size])])
    below = sheet.node("Mul", [row, sheet.node("Cast", [skipped], to=TensorProto.FLOAT)], shape=own)
    return sheet.node("Add", [place, below], operation.name + PLACE, own)


def _scattered(sheet: Sheet, stride: int, features: str, maxima: str, place: str, upstream: str) -> str:
    """Return the planes of `features`, flat, with each gradient added at its window's place."""
    place = sheet.node("Cast", [place], to=TensorProto.INT64)
    indices = sheet.node("Add", [place, _corners(sheet, stride, features, maxima)])
    flat, shape = sheet.ints([0, 0, -1]), sheet.node("Shape", [features])
    kept = sheet.node("Reshape", [upstream, flat])
    indices = sheet.node("Reshape", [indices, flat])
    planes = sheet.node("Slice", [shape, sheet.ints([0]), sheet.ints([2]), sheet.ints([0])])
    area = sheet.node("ReduceProd", [sheet.sides(features)], keepdims=1)
    # Zeros that are not constants, which ONNX Runtime would store for each picture size, and copy.
    begin, end = sheet.ints([0]), sheet.ints([1])
    one = sheet.node("Slice", [sheet.node("Reshape", [upstream, sheet.ints([-1])]), begin, end, begin])
    zero = sheet.node("Sub", [one, one])
    zeros = sheet.node("Expand", [zero, sheet.node("Concat", [planes, area], axis=0)])
    return sheet.node("ScatterElements", [zeros, indices, kept], axis=2, reduction="add")


def _corners(sheet: Sheet, stride: int, features: str, maxima: str) -> str:
    """Return the index of each window's top left corner in its plane, int64 [1, 1, h, w]."""
    axes = []
    for size in (sheet.height(maxima), sheet.width(maxima)):
        last = sheet.node("Squeeze", [size])
        counted = sheet.node("Range", [sheet.scalar(0), last, sheet.scalar(1)])
        axes.append(sheet.node("Mul", [counted, sheet.ints([stride])]))
    rows = sheet.node("Mul", [axes[0], sheet.width(features)])
    rows = sheet.node("Reshape", [rows, sheet.ints([1, 1, -1, 1])])
    return sheet.node("Add", [rows, axes[1]])
