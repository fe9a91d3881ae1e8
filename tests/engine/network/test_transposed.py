"""Transposed convolutions as ordinary ones: ONNX Runtime's own are the truth."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from engine.network.graph import changed, parse
from engine.network.ort import CPU
from engine.network.transposed import dense
from tests.engine.conftest import TINY

onnx = pytest.importorskip("onnx")
RANDOM = np.random.default_rng(0)


def model(kernel: tuple[int, int], **attributes: object) -> bytes:
    """Return a file with one transposed convolution of 5 channels to 6."""
    stored = RANDOM.standard_normal((5, 6, *kernel)).astype(np.float32)
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    node = helper.make_node("ConvTranspose", ["x", "W"], ["y"], kernel_shape=kernel, **attributes)
    inputs = [helper.make_tensor_value_info("x", number, ["N", 5, "h", "w"])]
    outputs = [helper.make_tensor_value_info("y", number, ["N", 6, "H", "W"])]
    graph = helper.make_graph([node], "one", inputs, outputs, [onnx.numpy_helper.from_array(stored, "W")])
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def computed(content: bytes, x: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(content, providers=[CPU]).run(None, {"x": x})[0]


def operations(content: bytes) -> set[str]:
    return {x.op_type for x in parse(content).graph.node}


@pytest.mark.parametrize("kernel", [(2, 2), (3, 3), (3, 2), (4, 5), (5, 3), (7, 7)])
def test_it_computes_the_same(kernel: tuple[int, int]) -> None:
    content = model(kernel, strides=[2, 2])
    better = changed(content, dense)
    onnx.checker.check_model(onnx.load_from_string(better), full_check=True)
    assert "ConvTranspose" not in operations(better)
    for size in ((1, 1), (3, 4), (8, 2)):
        x = RANDOM.standard_normal((2, 5, *size)).astype(np.float32)
        np.testing.assert_allclose(computed(better, x), computed(content, x), atol=1e-5)


@pytest.mark.parametrize(
    "how",
    [
        {"strides": [1, 1]},
        {"strides": [2, 1]},
        {"strides": [3, 3]},
        {},
        {"strides": [2, 2], "pads": [1, 1, 1, 1]},
        {"strides": [2, 2], "output_padding": [1, 1]},
        {"strides": [2, 2], "group": 5},
    ],
)
def test_all_others_are_left_as_they_are(how: dict[str, object]) -> None:
    content = model((3, 3), **how)
    assert changed(content, dense) == changed(content)


def test_nothing_else_changes() -> None:
    before = parse(TINY.read_bytes())
    after = parse(changed(TINY.read_bytes(), dense))
    kept = [x.SerializeToString() for x in after.graph.node]
    assert all(x.SerializeToString() in kept for x in before.graph.node if x.op_type != "ConvTranspose")
    assert list(after.graph.input) == list(before.graph.input)
    assert list(after.graph.output) == list(before.graph.output)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ValueError, match="not an ONNX model"):
        changed(b"nothing", dense)
