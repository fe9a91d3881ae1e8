"""Builds the ONNX model: traces it in TensorFlow, converts it with tf2onnx, adds names and weights."""

from __future__ import annotations

import logging
import os
import platform
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import tensorflow as tf

from engine._version import __version__
from engine.network import contract as metadata
from export import network
from export.errors import ConversionError
from export.gradients import rules
from export.loss import loss_and_energies
from export.parts import describe_stem, name_sizes, spell_out_padding
from export.targets import add_targets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from export.architecture import Architecture
    from export.weights import ConvWeights, Weights

OPSET = 18
IR = 9
"""Of the file format."""


def stored(conv: ConvWeights) -> dict[str, NDArray[np.generic]]:
    """Fold batch norm into a convolution, in float64, and return the arrays that the file stores, by role.

    The network uses the kernel `(kernel - zero) * factor + offset`; terms that are missing have no effect.
    Subtracting a whole number first is exact.  `kernel * factor + offset` alone would round every kernel
    value of a channel in the same direction, and with them all sums over positive activations (measured:
    energies off by 5e-6 instead of 1e-7).
    """
    bias = conv.bias.astype(np.float32)
    if conv.kernel.dtype == np.float32:
        return {"kernel": (conv.values * conv.factor).astype(np.float32), "bias": bias}
    arrays: dict[str, NDArray[np.generic] | np.generic] = {}
    arrays |= {"kernel": conv.kernel, "bias": bias, "factor": (conv.scale * conv.factor).astype(np.float32)}
    if conv.kernel.dtype == np.uint8:
        zero = np.rint(-conv.minimum / conv.scale)
        offset = (conv.minimum + zero * conv.scale) * conv.factor
        arrays |= {"zero": np.float32(zero), "offset": offset.astype(np.float32)}
    return {role: np.asarray(array) for role, array in arrays.items()}


def convert(architecture: Architecture, weights: Weights) -> onnx.ModelProto:
    """Make the model file of docs/model-file.md, unverified.

    Args:
        architecture: the network, cut after the deepest layer.
        weights: exactly as many convolutions as the architecture has.

    Raises:
        ConversionError: if tf2onnx leaves anything that is not standard ONNX.
    """
    parameters = {
        f"{role}_{number}": array
        for number, conv in enumerate(weights.convolutions, 1)
        for role, array in stored(conv).items()
    }
    model = _trace_and_convert(architecture, parameters)
    _store_parameters(model, parameters)
    _keep_outputs(model)
    _name_batch_and_channels(model, architecture)
    spell_out_padding(model)
    name_sizes(model)
    add_targets(model, architecture.channels())
    _describe(model, architecture, weights)
    check(model)
    return model


def _trace_and_convert(
    architecture: Architecture, parameters: Mapping[str, NDArray[np.generic]]
) -> onnx.ModelProto:
    """Trace loss, gradient and energies with the parameters as inputs.

    Neither TensorFlow nor tf2onnx can fold inputs, so the parameters keep the size they are stored in.
    """

    def model(
        image: tf.Tensor, channel_weights: tf.Tensor, parameters: Mapping[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        picture = tf.transpose(image, [0, 3, 1, 2])
        kernels = _kernels(parameters)
        weights = dict(zip(channels, tf.split(channel_weights, list(channels.values())), strict=True))
        with tf.GradientTape() as tape:
            tape.watch(picture)
            seen = network.stem(architecture, picture, kernels)
        with tf.GradientTape() as upper_tape:
            upper_tape.watch(seen)
            layers = network.blocks(architecture, seen, kernels)
            loss, energies = loss_and_energies(layers, weights, architecture.border)
        upstream = upper_tape.gradient(loss, seen)
        gradient = tf.transpose(tape.gradient(seen, picture, upstream), [0, 2, 3, 1])
        return {
            metadata.LOSS: loss,
            metadata.GRADIENT: gradient,
            metadata.ENERGIES: tf.concat(list(energies.values()), 1),
            # Not outputs of the model, but tensors that engines may refer to by name.
            metadata.STEM: seen,
            metadata.STEM_GRADIENT: upstream,
            **{metadata.layer_energies(name): x for name, x in energies.items()},
            **{metadata.layer_weights(name): x for name, x in weights.items()},
        }

    channels = architecture.channels()
    signature = [
        tf.TensorSpec([None, None, None, 3], tf.float32, metadata.IMAGE),
        tf.TensorSpec([sum(channels.values())], tf.float32, metadata.CHANNEL_WEIGHTS),
        {name: tf.TensorSpec(array.shape, array.dtype, name) for name, array in parameters.items()},
    ]
    return convert_function(tf.function(model, autograph=False), signature)


def _kernels(parameters: Mapping[str, tf.Tensor]) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    """Rebuild kernel and bias of each convolution from the arrays of `stored`."""
    number = 1
    while f"kernel_{number}" in parameters:
        kernel = tf.cast(parameters[f"kernel_{number}"], tf.float32)
        for role, apply in (("zero", tf.subtract), ("factor", tf.multiply), ("offset", tf.add)):
            if f"{role}_{number}" in parameters:
                kernel = apply(kernel, parameters[f"{role}_{number}"])
        yield kernel, parameters[f"bias_{number}"]
        number += 1


def convert_function(function: Any, signature: list[Any]) -> onnx.ModelProto:
    """Convert a `tf.function` that returns a dict, using our own rules; its keys name the outputs.

    Raises ConversionError with tf2onnx's message if an op can't be converted: tf2onnx itself only logs that
    and returns a broken model.
    """
    with _captured_errors() as errors, warnings.catch_warnings():
        # tf2onnx 1.17 uses NumPy and protobuf in ways that are deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        import tf2onnx  # noqa: PLC0415 - within the filter

        # Otherwise it copies the graph before each optimisation, and goes on without a word where one fails.
        os.environ.setdefault(tf2onnx.constants.ENV_TF2ONNX_CATCH_ERRORS, "FALSE")
        model: onnx.ModelProto = tf2onnx.convert.from_function(
            function, input_signature=signature, opset=OPSET, custom_op_handlers=rules()
        )[0]
    if errors:
        raise ConversionError("tf2onnx could not convert the gradient graph: " + "; ".join(errors))
    names = sorted(function.get_concrete_function(*signature).structured_outputs)
    _rename(model.graph, {old.name: new for old, new in zip(model.graph.output, names, strict=True)})
    return model


@contextmanager
def _captured_errors() -> Iterator[list[str]]:
    """Collect the errors that tf2onnx logs, and hide its warnings from the user."""
    errors: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            errors.append(record.getMessage().splitlines()[0])

    logger = logging.getLogger("tf2onnx")
    handler = Collect(logging.ERROR)
    propagate, level = logger.propagate, logger.level
    logger.propagate = False
    logger.setLevel(logging.ERROR)
    logger.addHandler(handler)
    try:
        yield errors
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
        logger.setLevel(level)


def _rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Rename tensors wherever they occur at the top level of the graph."""
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in [*graph.input, *graph.output, *graph.value_info]:
        value.name = names.get(value.name, value.name)


def _store_parameters(model: onnx.ModelProto, parameters: Mapping[str, NDArray[np.generic]]) -> None:
    """Replace the inputs that stand for parameters with initializers."""
    graph = model.graph
    inputs = [value for value in graph.input if value.name in parameters]
    if len(inputs) != len(parameters):
        raise ConversionError("tf2onnx lost or renamed some of the parameters")
    for value in inputs:
        graph.input.remove(value)
        graph.initializer.append(onnx.numpy_helper.from_array(parameters[value.name], value.name))


def _keep_outputs(model: onnx.ModelProto) -> None:
    """Keep only the contract's outputs; the other tensors stay in the graph under their names."""
    outputs = [value for value in model.graph.output if value.name in metadata.OUTPUTS]
    del model.graph.output[:]
    model.graph.output.extend(outputs)


def _name_batch_and_channels(model: onnx.ModelProto, architecture: Architecture) -> None:
    """Declare and name the sizes of inputs and outputs that may vary."""
    sizes: dict[str, list[str | int | None]] = {
        metadata.IMAGE: [metadata.BATCH, "H", "W", 3],
        metadata.LOSS: [metadata.BATCH],
        metadata.GRADIENT: [metadata.BATCH, "H", "W", 3],
        metadata.ENERGIES: [metadata.BATCH, sum(architecture.channels().values())],
    }
    for value in [*model.graph.input, *model.graph.output]:
        if value.name in sizes:
            shape = sizes[value.name]
            value.CopyFrom(onnx.helper.make_tensor_value_info(value.name, onnx.TensorProto.FLOAT, shape))


def _describe(model: onnx.ModelProto, architecture: Architecture, weights: Weights) -> None:
    """Add the metadata."""
    model.graph.name = architecture.name
    model.producer_name, model.producer_version = "deepdream-onnx", __version__
    strides, channels = architecture.strides(), architecture.channels()
    blocks = {x: block for block, inside in architecture.inside().items() for x in inside}
    described = metadata.Metadata(
        network=architecture.name,
        layers=tuple(
            metadata.Layer(name, channels[name], strides[name], blocks.get(name, ""))
            for name in architecture.layers
        ),
        value_range=(-1.0, 1.0),
        border=architecture.border,
        min_size=architecture.min_size(architecture.border),
        weights=weights.source,
        exporter=versions(),
        default_layers=architecture.default,
        gradient_bytes=architecture.gradient_bytes,
        stem=describe_stem(model, architecture.stem_field()),
    )
    onnx.helper.set_model_props(model, described.to_props())


def versions() -> str:
    """Return the versions of everything that determines the file."""
    from importlib.metadata import version  # noqa: PLC0415 - only here

    parts = {
        "deepdream-onnx": __version__,
        "tensorflow": tf.__version__,
        "tf2onnx": version("tf2onnx"),
        "onnx": onnx.__version__,
        "python": platform.python_version(),
    }
    return ", ".join(f"{name} {number}" for name, number in parts.items())


def check(model: onnx.ModelProto) -> None:
    """Check the model against contract 1: standard ops of one opset, inputs and outputs, valid ONNX."""
    foreign = {node.op_type for node in model.graph.node if node.domain}
    if foreign:
        raise ConversionError(f"ops outside the ONNX standard: {', '.join(sorted(foreign))}")
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", OPSET))
    stored = {x.name for x in model.graph.initializer}  # an input that has a value there may be left out
    inputs = tuple(value.name for value in model.graph.input if value.name not in stored)
    outputs = {value.name for value in model.graph.output}
    if inputs != metadata.INPUTS or outputs != set(metadata.OUTPUTS):
        raise ConversionError(f"wrong inputs or outputs: {inputs}, {sorted(outputs)}")
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConversionError(f"onnx.checker refuses the model: {error}") from error
