"""The whole way from weights to file, on a tiny network."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest

from engine.network import contract as metadata
from export.convert import convert, stored
from export.verify import ort_compute, relative_error
from export.weights import Weights, random_weights

from .tiny import TINY, truth

rng = np.random.default_rng(11)
CHANNELS = sum(TINY.channels().values())


def quantised(weights: Weights) -> Weights:
    """Store the kernels in 8 bit, with a minimum that is not a multiple of the scale."""
    convolutions = []
    for conv in weights.convolutions:
        low, high = float(conv.kernel.min()), float(conv.kernel.max())
        scale = (high - low) / 255
        kernel = np.rint((conv.kernel - low) / scale).astype(np.uint8)
        convolutions.append(replace(conv, kernel=kernel, scale=scale, minimum=low))
    return replace(weights, convolutions=tuple(convolutions))


FLOAT = random_weights("2", TINY)
WEIGHTS = {"float32": FLOAT, "uint8": quantised(FLOAT), "float16": FLOAT.halved()}


@pytest.fixture(scope="module", params=list(WEIGHTS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(kind: str) -> onnx.ModelProto:
    return convert(TINY, WEIGHTS[kind])


@pytest.mark.parametrize("size", [(40, 40), (41, 40), (43, 58), (64, 47)])
@pytest.mark.parametrize("count", [1, 3])
def test_computes_what_tensorflow_computes(
    kind: str, model: onnx.ModelProto, size: tuple[int, int], count: int
) -> None:
    image = rng.uniform(-1, 1, (count, *size, 3)).astype(np.float32)
    channel_weights = rng.normal(size=CHANNELS).astype(np.float32)
    found = ort_compute(model.SerializeToString())(image, channel_weights)
    true = truth(WEIGHTS[kind], image, channel_weights)
    for ours, theirs in zip(found[1:], true[1:], strict=True):
        assert relative_error(ours, theirs) < 1e-5
    # Some weights are negative, so that the loss may be much less than what it adds up.
    terms = np.abs(channel_weights) @ true[2].T
    assert np.all(np.abs(found[0] - true[0]) < 1e-6 * terms)
    assert {x.dtype for x in found} == {np.dtype(np.float32)}


def test_flat_picture(kind: str, model: onnx.ModelProto) -> None:
    """Every max pool window is a tie."""
    image = np.full((1, 48, 48, 3), 0.6, np.float32)
    channel_weights = np.ones(CHANNELS, np.float32)
    _, gradient, _ = ort_compute(model.SerializeToString())(image, channel_weights)
    assert relative_error(gradient, truth(WEIGHTS[kind], image, channel_weights, "float32")[1]) < 1e-5


def test_smallest_picture(model: onnx.ModelProto) -> None:
    smallest = TINY.min_size(2)
    compute = ort_compute(model.SerializeToString())
    image = rng.uniform(-1, 1, (1, smallest, smallest, 3)).astype(np.float32)
    _, gradient, _ = compute(image, np.ones(CHANNELS, np.float32))
    assert np.abs(gradient).max() > 0
    loss, gradient, _ = compute(image[:, 1:, 1:], np.ones(CHANNELS, np.float32))
    assert loss[0] == 0
    assert not gradient.any()


def test_the_file_keeps_to_the_contract(kind: str, model: onnx.ModelProto) -> None:
    def shape(value: onnx.ValueInfoProto) -> list[str | int]:
        return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]

    defaults = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    inputs = {value.name: shape(value) for value in model.graph.input}
    assert {name: x for name, x in inputs.items() if name not in defaults} == {
        "image": ["N", "H", "W", 3],
        "channel_weights": [CHANNELS],
    }
    assert {name: x[1] for name, x in inputs.items() if name in defaults} == {
        "mixed0/targets": 11,
        "mixed1/targets": 16,
    }
    assert not any(defaults[name].any() for name in inputs if name in defaults)  # steered toward nothing
    assert {value.name: shape(value) for value in model.graph.output} == {
        "loss": ["N"],
        "gradient": ["N", "H", "W", 3],
        "energies": ["N", CHANNELS],
    }
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 18)]
    assert not any(node.domain for node in model.graph.node)
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    kernels = [tensor for tensor in model.graph.initializer if tensor.name.startswith("kernel_")]
    assert len(kernels) == len(TINY.kernel_shapes())
    assert {onnx.numpy_helper.to_array(tensor).dtype.name for tensor in kernels} == {kind}


def test_metadata(model: onnx.ModelProto) -> None:
    props = {entry.key: entry.value for entry in model.metadata_props}
    described = metadata.Metadata.from_props(props)
    assert [(layer.name, layer.channels, layer.stride) for layer in described.layers] == [
        ("mixed0", 11, 4),
        ("mixed1", 16, 8),
    ]
    assert described.min_size == TINY.min_size(2)
    assert props["deepdream.schema"] == "2"
    assert json.loads(props["deepdream.value_range"]) == [-1, 1]
    assert "random:2" in described.weights
    assert "tf2onnx" in described.exporter


def test_8_bit_kernels_are_rebuilt_exactly() -> None:
    """Common rounding of a whole channel adds up over positive activations; see `stored`."""
    for conv in WEIGHTS["uint8"].convolutions:
        parts = stored(conv)
        kernel = (parts["kernel"].astype(np.float32) - parts["zero"]) * parts["factor"] + parts["offset"]
        exact = conv.values * conv.factor
        spread = np.abs(exact).max((0, 1, 2))
        assert (np.abs((kernel - exact).mean((0, 1, 2))) < 1e-7 * spread).all()
