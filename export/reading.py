"""Reads a Keras model's graph into export/operations.py: its layers, what they read, and where weights go.

Batch norms are folded into the convolution before them where nothing else reads that; those that stand
alone, before an activation, become a multiplication and an addition for each channel.  A layer that there is
no rule for is refused.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras

from engine.weights.instructions import NORM, ONES, READ, SCALE, TIMES, ZEROS
from export.errors import ConversionError
from export.operations import (
    IMAGE,
    Add,
    AveragePool,
    Concat,
    Convolution,
    MaxPool,
    Network,
    Operation,
    Pad,
    Parameter,
    Relu,
    SamePad,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from export.networks import Row

INNER = "/"
"""Between a layer's name and that of an operation inside it; no Keras layer has it in its name."""

LOW = -1e30
"""Less than any activation: what a max pool finds beyond the border, and times zero it is zero."""


def read_network(model: keras.Model, name: str, row: Row) -> Network:
    """Return a Keras model as far as the last of the row's layers.

    Raises ConversionError for a layer that there is no rule for.
    """
    operations: dict[str, Operation] = {}
    for layer in model.layers:
        for operation in _operations(layer):
            operations[operation.name] = operation
    _fold(operations, kept={*row.layers, row.stem})
    needed = tuple(_needed(operations, row.layers))
    return Network(
        name,
        needed,
        row.layers,
        row.preprocessing,
        row.default,
        gradient_bytes=row.gradient_bytes,
        stem=row.stem,
    )


def _operations(layer: keras.layers.Layer) -> Iterator[Operation]:
    """Return what a layer computes; its last operation has its name."""
    if isinstance(layer, keras.layers.InputLayer):
        return
    rule = RULES.get(type(layer).__name__)
    if rule is None:
        raise ConversionError(f"there is no rule for the layer {layer.name}, a {type(layer).__name__}")
    nodes = layer._inbound_nodes  # noqa: SLF001 - Keras has no other way to ask
    if len(nodes) != 1:
        raise ConversionError(f"the layer {layer.name} is used {len(nodes)} times")
    sources = [x._keras_history.operation for x in nodes[0].input_tensors]  # noqa: SLF001
    names = (IMAGE if isinstance(x, keras.layers.InputLayer) else x.name for x in sources)
    yield from rule(layer, tuple(names))


def _convolution(layer: Any, sources: tuple[str, ...]) -> Iterator[Operation]:
    _require(layer, layer.data_format == "channels_last", "channels last")
    _require(layer, set(layer.dilation_rate) == {1}, "no dilation")
    _require(layer, layer.groups == 1, "one group")
    _require(layer, len(set(layer.strides)) == 1, "the same stride along both axes")
    height, width = layer.kernel_size
    name = layer.name + INNER + "linear"
    kernel = Parameter((height, width, layer.kernel.shape[2], layer.filters), ((READ, layer.name, "kernel"),))
    bias = _bias(layer, layer.filters)
    yield from _padded(layer, Convolution(name, sources, kernel, bias, None, layer.strides[0]))
    yield from _activation(layer, (name,))


def _depthwise(layer: Any, sources: tuple[str, ...]) -> Iterator[Operation]:
    _require(layer, layer.depth_multiplier == 1, "a depth multiplier of 1")
    _require(layer, set(layer.dilation_rate) == {1}, "no dilation")
    _require(layer, len(set(layer.strides)) == 1, "the same stride along both axes")
    name = layer.name + INNER + "linear"
    shape = tuple(layer.kernel.shape)
    kernel = Parameter(shape, ((READ, layer.name, "depthwise_kernel"),))
    bias = _bias(layer, shape[2])
    own = Convolution(name, sources, kernel, bias, None, layer.strides[0], depthwise=True)
    yield from _padded(layer, own)
    yield from _activation(layer, (name,))


def _separable(layer: Any, sources: tuple[str, ...]) -> Iterator[Operation]:
    _require(layer, layer.depth_multiplier == 1, "a depth multiplier of 1")
    _require(layer, set(layer.dilation_rate) == {1}, "no dilation")
    _require(layer, len(set(layer.strides)) == 1, "the same stride along both axes")
    first, second = (layer.name + INNER + x for x in ("depthwise", "linear"))
    shape = tuple(layer.depthwise_kernel.shape)
    kernel = Parameter(shape, ((READ, layer.name, "depthwise_kernel"),))
    none = Parameter(shape[2:3], ((ZEROS,),))
    own = Convolution(first, sources, kernel, none, None, layer.strides[0], depthwise=True)
    yield from _padded(layer, own)
    kernel = Parameter(tuple(layer.pointwise_kernel.shape), ((READ, layer.name, "pointwise_kernel"),))
    yield Convolution(second, (first,), kernel, _bias(layer, layer.filters))
    yield from _activation(layer, (second,))


def _batch_norm(layer: Any, sources: tuple[str, ...]) -> Iterator[Operation]:
    """As a convolution that only multiplies each channel; `_fold` folds it where it can."""
    _require(layer, layer.axis in (-1, 3), "the channels as its axis")
    _require(layer, layer.center, "beta")
    shape = tuple(layer.moving_mean.shape)
    norm = (layer.name, layer.epsilon, bool(layer.scale))
    kernel, bias = ((ONES,), (SCALE, *norm)), ((ZEROS,), (NORM, *norm))
    yield Convolution(layer.name, sources, Parameter(shape, kernel), Parameter(shape, bias), depthwise=True)


def _activation(layer: Any, sources: tuple[str, ...]) -> Iterator[Operation]:
    """Of a layer that has one, as of one that is one."""
    kind = getattr(layer.activation, "__name__", "")
    _require(layer, kind in {"relu", "relu6", "linear"}, "relu, relu6 or no activation")
    if kind == "linear":
        yield Add(layer.name, sources)
    else:
        yield Relu(layer.name, sources, 6.0 if kind == "relu6" else None)


def _relu(layer: Any, sources: tuple[str, ...]) -> Iterator[Operation]:
    _require(layer, not layer.negative_slope and not layer.threshold, "no slope and no threshold")
    yield Relu(layer.name, sources, None if layer.max_value is None else float(layer.max_value))


def _max_pool(layer: Any, sources: tuple[str, ...]) -> Iterator[Operation]:
    (size, _), (stride, _) = layer.pool_size, layer.strides
    _require(layer, {*layer.pool_size, *layer.strides} == {size, stride}, "square windows")
    if size == 1:  # only every second place: the mean of one is the largest of one
        yield AveragePool(layer.name, sources, size, stride)
        return
    _require(layer, stride == 2 and size in (2, 3), "windows of 1, 2 or 3, at stride 2")
    yield from _padded(layer, MaxPool(layer.name, sources, size, stride), LOW)


def _average_pool(layer: Any, sources: tuple[str, ...]) -> Iterator[Operation]:
    (size, _), (stride, _), same = layer.pool_size, layer.strides, layer.padding == "same"
    _require(layer, {*layer.pool_size, *layer.strides} == {size, stride}, "square windows")
    _require(layer, not same or (stride == 1 and size % 2 == 1), "odd windows at stride 1 where it is SAME")
    yield AveragePool(layer.name, sources, size, stride, same)


def _zero_padding(layer: Any, sources: tuple[str, ...]) -> Iterator[Operation]:
    (top, bottom), (left, right) = layer.padding
    yield Pad(layer.name, sources, (top, left, bottom, right))


def _scaled(layer: Any, sources: tuple[str, ...]) -> Iterator[Operation]:
    """Keras' InceptionResNetV2 adds a branch times a number to the main line."""
    (line, branch), name = sources, layer.name + INNER + "scaled"
    times = Parameter((), ((TIMES, float(layer.scale)),))
    yield Convolution(name, (branch,), times, times)
    yield Add(layer.name, (line, name))


RULES: dict[str, Callable[[Any, tuple[str, ...]], Iterator[Operation]]] = {
    "Activation": _activation,
    "Add": lambda layer, sources: iter([Add(layer.name, sources)]),
    "AveragePooling2D": _average_pool,
    "BatchNormalization": _batch_norm,
    "Concatenate": lambda layer, sources: iter([Concat(layer.name, sources)]),
    "Conv2D": _convolution,
    "CustomScaleLayer": _scaled,
    "DepthwiseConv2D": _depthwise,
    "Dropout": lambda layer, sources: iter([Add(layer.name, sources)]),
    "MaxPooling2D": _max_pool,
    "ReLU": _relu,
    "SeparableConv2D": _separable,
    "ZeroPadding2D": _zero_padding,
}
"""By the class of a layer, what it computes.  A sum of one source changes nothing: `_fold` removes it."""


def _bias(layer: Any, channels: int) -> Parameter:
    return Parameter((channels,), ((READ, layer.name, "bias") if layer.use_bias else (ZEROS,),))


def _padded(layer: Any, operation: Convolution | MaxPool, value: float = 0.0) -> Iterator[Operation]:
    """Yield an operation with the padding that its layer has; `value` is that of places beyond the border."""
    size = layer.pool_size if isinstance(operation, MaxPool) else layer.kernel_size
    if layer.padding == "valid" or (operation.stride > 1 and set(size) == {1}):
        yield operation
    elif operation.stride == 1 and isinstance(operation, Convolution):
        height, width = size
        pads = ((height - 1) // 2, (width - 1) // 2, height // 2, width // 2)
        yield replace(operation, pads=pads)
    else:
        (window, _), name = size, layer.name + INNER + "padded"
        odd = size == (window, window) and window % 2 == 1 and window > 1
        _require(
            layer, operation.stride == 2 and odd, "odd windows at stride 2, or stride 1, where it is SAME"
        )
        yield SamePad(name, operation.sources, window, value)
        yield replace(operation, sources=(name,))


def _require(layer: Any, met: bool, what: str) -> None:
    if not met:
        raise ConversionError(f"the rule for {type(layer).__name__} ({layer.name}) needs {what}")


def _fold(operations: dict[str, Operation], kept: set[str]) -> None:
    """Fold what changes no more than a convolution's parameters, or nothing; outputs in `kept` stay."""
    for name in list(operations):
        operation = operations[name]
        if len(operation.sources) != 1:
            continue
        source = operations.get(operation.sources[0])
        alone = source is not None and source.name not in kept and _readers(operations)[source.name] == 1
        merged = None
        if isinstance(operation, Add):
            merged = replace(source, name=name) if alone and source else None
        elif isinstance(operation, Convolution) and alone:
            merged = _merged(source, operation)
        if merged is not None and source is not None:
            del operations[source.name]
            operations[name] = merged
        elif isinstance(operation, Convolution) and not operation.kernel.shape:
            raise ConversionError(f"{name} multiplies what is no convolution's output")


def _merged(source: Operation | None, operation: Convolution) -> Operation | None:
    """Return an operation and the convolution that reads it as one; None where that cannot be."""
    if isinstance(source, Pad):
        above, left, below, right = (a + b for a, b in zip(source.pads, operation.pads, strict=True))
        return replace(operation, sources=source.sources, pads=(above, left, below, right))
    if not isinstance(source, Convolution):
        return None
    kernel, bias, factor = source.kernel, source.bias, source.factor
    if not operation.kernel.shape:  # a number: see `_scaled`
        kernel = replace(kernel, steps=(*kernel.steps, *operation.kernel.steps))
        bias = replace(bias, steps=(*bias.steps, *operation.bias.steps))
    elif operation.kernel.steps[0] == (ONES,) and (not source.depthwise or factor is None):
        (_, scale), (_, norm) = operation.kernel.steps, operation.bias.steps
        bias = replace(bias, steps=(*bias.steps, norm))
        if source.depthwise:
            factor = operation.kernel
        else:
            kernel = replace(kernel, steps=(*kernel.steps, scale))
    else:
        return None
    return replace(source, name=operation.name, kernel=kernel, bias=bias, factor=factor)


def _readers(operations: dict[str, Operation]) -> Counter[str]:
    return Counter(source for x in operations.values() for source in x.sources)


def _needed(operations: dict[str, Operation], layers: Sequence[str]) -> list[Operation]:
    """Return what `layers` are computed from, in an order in which each comes after what it reads."""
    found: dict[str, Operation] = {}
    waiting = list(reversed(layers))
    while waiting:
        name = waiting[-1]
        missing = [x for x in operations[name].sources if x != IMAGE and x not in found]
        if missing:
            waiting += missing
        else:
            found[waiting.pop()] = operations[name]
    return list(found.values())
