"""Makes a model file of export/operations.py, with loss, gradient, energies and targets, but no weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engine._version import __version__
from engine.network import contract
from export.architecture import Field
from export.convert import IR, OPSET, check, versions
from export.errors import ConversionError
from export.operations import IMAGE, Convolution, MaxPool, Network, Relu
from export.parts import describe_stem
from export.sheet import Sheet
from export.targets import add_targets
from export.writing import write

if TYPE_CHECKING:
    from export.writing import Pull

CAFFE_MEANS = (103.939, 116.779, 123.68)
"""Of ImageNet's blue, green and red, from 0 to 255, as the authors of VGG subtract them."""

TORCH_MEANS = (0.485, 0.456, 0.406)
TORCH_DEVIATIONS = (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue, from 0 to 1, as PyTorch's models take them."""


def assemble(network: Network) -> onnx.ModelProto:
    """Return the model file of docs/model-file.md, unverified, with weights of zeros.

    Raises ConversionError where onnx.checker refuses it.
    """
    sheet = Sheet()
    _forward_and_back(sheet, network)
    graph = sheet.graph
    graph.name = network.name
    for name, x in network.parameters().items():
        graph.initializer.append(numpy_helper.from_array(np.zeros(x.shape, np.float32), name))
    channels = network.channels()
    total = sum(channels.values())
    graph.input.extend(
        [_value(contract.IMAGE, [contract.BATCH, "H", "W", 3]), _value(contract.CHANNEL_WEIGHTS, [total])]
    )
    graph.output.extend(
        [
            _value(contract.LOSS, [contract.BATCH]),
            _value(contract.GRADIENT, [contract.BATCH, "H", "W", 3]),
            _value(contract.ENERGIES, [contract.BATCH, total]),
        ]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    model.producer_name, model.producer_version = "deepdream-onnx", __version__
    add_targets(model, channels)
    strides = network.strides()
    described = contract.Metadata(
        network=network.name,
        layers=tuple(contract.Layer(x, channels[x], strides[x]) for x in network.layers),
        value_range=(-1.0, 1.0),
        border=network.border,
        min_size=network.min_size(network.border),
        weights="",
        exporter=versions(),
        default_layers=network.default,
        gradient_bytes=network.gradient_bytes,
        stem=describe_stem(model, stem_field(network)),
    )
    helper.set_model_props(model, described.to_props())
    check(model)
    return model


def stem_field(network: Network) -> Field:
    """Return the receptive field of the stem's positions.  Raises ConversionError where it is no chain."""
    stride, size, before, last = 1, 1, 0, IMAGE
    for x in network.operations:
        if last == network.stem:
            break
        if x.sources != (last,):
            raise ConversionError(f"the stem of {network.name} is no chain up to {network.stem}")
        match x:
            case Convolution(stride=1):
                window, step, padded = x.size[0], 1, x.pads[0]
            case MaxPool(size=window, stride=step):
                padded = 0
            case Relu():
                window, step, padded = 1, 1, 0
            case _:
                raise ConversionError(f"{x.name}, in the stem, is none of what can be computed in tiles")
        size, before = size + (window - 1) * stride, before + padded * stride
        stride, last = stride * step, x.name
    if before > stride:
        raise ConversionError(f"a position of {network.stem} begins {before} pixels before its place")
    return Field(stride, size, before, before)


def _forward_and_back(sheet: Sheet, network: Network) -> None:
    shapes, names = network.shapes, {x.name: x.name for x in network.operations}
    names[IMAGE] = _picture(sheet, network)
    # The stem's end has the name that the contract gives it.
    names[network.stem] = (
        sheet.node("Identity", [names[IMAGE]], contract.STEM, shapes[IMAGE])
        if (network.stem == IMAGE)
        else network.stem
    )
    pulls: dict[str, Pull] = {}
    number = 0
    for x in network.operations:
        number += isinstance(x, Convolution)
        pulls[x.name] = write(sheet, x, shapes, names, number)
        if x.name == network.stem:
            names[x.name] = sheet.node("Identity", [x.name], contract.STEM, shapes[x.name])
    slopes = _objective(sheet, network, names)
    gradients: dict[str, list[str]] = {name: [slope] for name, slope in slopes.items()}
    for x in reversed(network.operations):
        upstream = _sum(sheet, network, x.name, gradients)
        for source, gradient in zip(x.sources, pulls[x.name](upstream), strict=True):
            gradients.setdefault(source, []).append(gradient)
    _picture_gradient(sheet, network, _sum(sheet, network, IMAGE, gradients))


def _sum(sheet: Sheet, network: Network, name: str, gradients: dict[str, list[str]]) -> str:
    """Return the gradient for an operation's output: the sum over all that read it."""
    terms, shape = gradients[name], network.shapes[name]
    if name == network.stem:
        return sheet.node("Sum", terms, contract.STEM_GRADIENT, shape)
    return terms[0] if len(terms) == 1 else sheet.node("Sum", terms, shape=shape)


def _objective(sheet: Sheet, network: Network, names: dict[str, str]) -> dict[str, str]:
    """Write loss and energies; return each layer's own gradient: export/loss.py says of what."""
    channels = network.channels()
    weights = [contract.layer_weights(x) for x in channels]
    widths = sheet.ints(list(channels.values()))
    sheet.graph.node.append(helper.make_node("Split", [contract.CHANNEL_WEIGHTS, widths], weights, axis=0))
    losses, slopes, energies = [], {}, []
    for layer in network.layers:
        x, shape = names[layer], network.shapes[layer]
        inside = sheet.node("Mul", [x, _inside(sheet, x, network.border)], f"{layer}/inside", shape)
        area = sheet.node("ReduceProd", [sheet.sides(x)], keepdims=0)
        positions = sheet.node("Cast", [area], to=TensorProto.FLOAT)
        count = sheet.node("Mul", [positions, sheet.number(shape.channels)])
        squares = sheet.node("Mul", [inside, inside], shape=shape)
        sums = sheet.node("ReduceSum", [squares, sheet.ints([2, 3])], f"{layer}/sums", keepdims=0)
        energies.append(sheet.node("Div", [sums, count], contract.layer_energies(layer)))
        share = sheet.node("Div", [contract.layer_weights(layer), count])
        column = sheet.node("Unsqueeze", [share, sheet.ints([1])])
        losses.append(sheet.node("MatMul", [sums, column]))
        doubled = sheet.node("Mul", [share, sheet.number(2.0)])
        weighed = sheet.node("Unsqueeze", [doubled, sheet.ints([1, 2])])
        slope = sheet.node("Mul", [inside, weighed], shape=shape)
        # One-pixel pools change no value, but bring the gradient into ONNX Runtime's blocked layout.
        slopes[layer] = sheet.node("AveragePool", [slope], shape=shape, kernel_shape=[1, 1])
    sheet.node("Concat", energies, contract.ENERGIES, axis=1)
    loss = sheet.node("Sum", losses)
    sheet.node("Squeeze", [loss, sheet.ints([1])], contract.LOSS)
    return slopes


def _inside(sheet: Sheet, x: str, border: int) -> str:
    """Return ones [1, 1, H, W] with zeros at the border."""
    axes = []
    for size, shape in ((sheet.height(x), [1, 1, -1, 1]), (sheet.width(x), [1, 1, 1, -1])):
        places = sheet.node("Range", [sheet.scalar(0), sheet.node("Squeeze", [size]), sheet.scalar(1)])
        late = sheet.node("GreaterOrEqual", [places, sheet.scalar(border)])
        early = sheet.node("Less", [places, sheet.node("Sub", [size, sheet.ints([border])])])
        both = sheet.node("Cast", [sheet.node("And", [late, early])], to=TensorProto.FLOAT)
        axes.append(sheet.node("Reshape", [both, sheet.ints(shape)]))
    return sheet.node("Mul", axes)


def _picture(sheet: Sheet, network: Network) -> str:
    """Write what becomes of the picture before the first layer sees it."""
    planes = sheet.node("Transpose", [contract.IMAGE], perm=[0, 3, 1, 2], shape=network.shapes[IMAGE])
    if network.preprocessing == "tf":
        return planes
    matrix, offset = _preprocessing(network.preprocessing)
    kernel = sheet.array(matrix[:, :, np.newaxis, np.newaxis])
    inputs = [planes, kernel, sheet.array(offset)]
    return sheet.node("Conv", inputs, shape=network.shapes[IMAGE], kernel_shape=[1, 1])


def _picture_gradient(sheet: Sheet, network: Network, upstream: str) -> None:
    if network.preprocessing != "tf":
        matrix, _ = _preprocessing(network.preprocessing)
        kernel = sheet.array(np.ascontiguousarray(matrix.T)[:, :, np.newaxis, np.newaxis])
        upstream = sheet.node("Conv", [upstream, kernel], shape=network.shapes[IMAGE], kernel_shape=[1, 1])
    sheet.node("Transpose", [upstream], contract.GRADIENT, perm=[0, 2, 3, 1])


def _preprocessing(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what red, green and blue in [-1, 1] are multiplied by, [3, 3], and what is added then, [3]."""
    if kind == "caffe":
        return (127.5 * np.eye(3)[::-1]).astype(np.float32), (127.5 - np.array(CAFFE_MEANS)).astype(
            np.float32
        )
    if kind == "torch":
        means, deviations = np.array(TORCH_MEANS), np.array(TORCH_DEVIATIONS)
        matrix, offset = np.diag(0.5 / deviations), (0.5 - means) / deviations
        return matrix.astype(np.float32), offset.astype(np.float32)
    raise ConversionError(f"there is no preprocessing {kind!r}")


def _value(name: str, shape: list[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
