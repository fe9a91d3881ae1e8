"""Transposed convolutions as ordinary ones: ONNX Runtime's own are the truth."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from engine.network.graph import changed, parse
from engine.network.ort import CPU
from engine.network.transposed import FILLING, dense
from tests.engine.conftest import EMBEDDED

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


def filled(
    kernel: tuple[int, int], *, keep: str = "", asked: str = "", first: bool = False, joined: bool = False
) -> bytes:
    """Return a file with one transposed convolution that is filled up to a size that comes as a picture's.

    It is done as `conv2d_backprop_input` in export/gradients.py does it.  `keep` is a tensor on the way
    that is an output too; the sizes of the tensor `asked` are one.  `first`: zeros come before it;
    `joined`: another tensor's channels come between.
    """
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("Shape", ["like"], ["wanted"]),
        helper.make_node("ConvTranspose", ["x", "W"], ["raw"], kernel_shape=kernel, strides=[2, 2]),
        helper.make_node("Shape", ["raw"], ["had"]),
        helper.make_node("Sub", ["wanted", "had"], ["missing"]),
        helper.make_node("Slice", ["missing", "two", "four", "zero"], ["ends"]),
        helper.make_node(
            "Concat", ["few", "ends", "few", "few"] if first else ["zeros", "ends"], ["pads"], axis=0
        ),
        helper.make_node("Concat", ["raw", "none"], ["both"], axis=1),
        helper.make_node("Pad", ["both" if joined else "raw", "pads"], ["padded"]),
        helper.make_node("Reshape", ["padded", "wanted"], ["y"]),
    ]
    nodes = [x for x in nodes if joined or x.output[0] != "both"]
    outputs = [helper.make_tensor_value_info("y", number, ["N", 6, "H", "W"])]
    if keep:
        outputs.append(helper.make_tensor_value_info(keep, number, [None] * 4))
    if asked:
        nodes.append(helper.make_node("Shape", [asked], ["sizes"]))
        outputs.append(helper.make_tensor_value_info("sizes", onnx.TensorProto.INT64, [4]))
    whole = {"two": [2], "four": [4], "zero": [0], "zeros": [0] * 6, "few": [0, 0]}
    stored = {name: np.array(x, np.int64) for name, x in whole.items()}
    stored["none"] = np.empty((2, 0, 7, 9), np.float32)
    stored["W"] = np.random.default_rng(1).standard_normal((5, 6, *kernel)).astype(np.float32)
    graph = helper.make_graph(
        nodes,
        "one",
        [
            helper.make_tensor_value_info("x", number, ["N", 5, "h", "w"]),
            helper.make_tensor_value_info("like", number, ["N", 6, "H", "W"]),
        ],
        outputs,
        [onnx.numpy_helper.from_array(x, name) for name, x in stored.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


@pytest.mark.parametrize("kernel", [(3, 3), (5, 3), (7, 7)])
def test_what_fills_up_falls_away(kernel: tuple[int, int]) -> None:
    content = filled(kernel)
    better = changed(content, dense)
    onnx.checker.check_model(onnx.load_from_string(better), full_check=True)
    assert not operations(better) & {"Pad", "ConvTranspose"}
    before, after = (onnxruntime.InferenceSession(x, providers=[CPU]) for x in (content, better))
    for size in ((1, 1), (3, 4), (8, 2)):
        feeds = {"x": RANDOM.standard_normal((2, 5, *size)).astype(np.float32)}
        for more in ((0, 0), (0, 1), (1, 0), (1, 1)):  # rows and columns that the stride left out
            sides = [2 * (x - 1) + k + m for x, k, m in zip(size, kernel, more, strict=True)]
            feeds["like"] = np.empty((2, 6, *sides), np.float32)
            found, expected = after.run(None, feeds)[0], before.run(None, feeds)[0]
            assert found.shape == (2, 6, *sides)
            np.testing.assert_allclose(found, expected, atol=1e-5)
            assert not found[:, :, sides[0] - more[0] :].any()
            assert not found[..., sides[1] - more[1] :].any()


@pytest.mark.parametrize(
    "how",
    [
        {"kernel": (2, 3)},
        {"kernel": (3, 3), "keep": "raw"},
        {"kernel": (3, 3), "keep": "padded"},
        {"kernel": (3, 3), "asked": "raw"},
        {"kernel": (3, 3), "asked": "padded"},
        {"kernel": (3, 3), "first": True},
        {"kernel": (3, 3), "joined": True},
    ],
    ids=str,
)
def test_what_fills_up_stays_where_that_would_not_do(how: dict[str, object]) -> None:
    content = filled(**how)
    better = changed(content, dense)
    onnx.checker.check_model(onnx.load_from_string(better), full_check=True)
    assert "Pad" in operations(better)
    assert "ConvTranspose" not in operations(better)
    feeds = {"x": RANDOM.standard_normal((2, 5, 3, 4)).astype(np.float32)}
    feeds["like"] = np.empty((2, 6, 4 + how["kernel"][0] + 1, 6 + how["kernel"][1]), np.float32)
    before, after = (
        onnxruntime.InferenceSession(x, providers=[CPU]).run(None, feeds) for x in (content, better)
    )
    for x, y in zip(before, after, strict=True):
        np.testing.assert_allclose(y, x, atol=1e-5)


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
        {"kernel": (1, 1), "strides": [2, 2]},
        {"kernel": (1, 3), "strides": [2, 2]},
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
    content = model(**{"kernel": (3, 3), **how})
    assert changed(content, dense) == changed(content)


def test_nothing_else_changes() -> None:
    content = EMBEDDED.read_bytes()
    before, after = parse(content), parse(changed(content, dense))
    kept = [x.SerializeToString() for x in after.graph.node]
    gone = [x for x in before.graph.node if x.SerializeToString() not in kept]
    assert {"ConvTranspose", "Pad"} <= {x.op_type for x in gone} <= {"ConvTranspose", "Reshape", *FILLING}
    assert list(after.graph.input) == list(before.graph.input)
    assert list(after.graph.output) == list(before.graph.output)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ValueError, match="not an ONNX model"):
        changed(b"nothing", dense)
