"""Sums of parts in the blocked layout: the same numbers, and the runtime's own graph shows the layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

from engine.network.blocked import blocked
from engine.network.graph import changed, parse
from engine.network.ort import CPU

if TYPE_CHECKING:
    from pathlib import Path

onnx = pytest.importorskip("onnx")
RANDOM = np.random.default_rng(0)


def model(sizes: str = "size1 size2", *, convolution: bool = True) -> bytes:
    """Return a file that splits a picture into parts of 16 channels, and adds a convolution to the second.

    Then another follows.  `sizes` is what it says of the sum's two sizes, "" for nothing; without a
    `convolution` the other part is added.
    """
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    own = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Conv", ["x", "W"], ["computed"], **own),
        helper.make_node("Split", ["y", "sizes"], ["first", "second"], axis=1),
        helper.make_node("Sum", ["computed" if convolution else "first", "second"], ["sum"]),
        helper.make_node("Conv", ["sum", "W"], ["end"], **own),
        helper.make_node("Identity", ["first"], ["rest"]),
    ]
    shape = ["N", 16, "size1", "size2"]
    stored = {
        "W": RANDOM.standard_normal((16, 16, 3, 3)).astype(np.float32),
        "sizes": np.array([16, 16], np.int64),
    }
    graph = helper.make_graph(
        nodes,
        "parts",
        [
            helper.make_tensor_value_info("x", number, shape),
            helper.make_tensor_value_info("y", number, ["N", 32, *shape[2:]]),
        ],
        [helper.make_tensor_value_info(x, number, shape) for x in ("end", "rest")],
        [onnx.numpy_helper.from_array(value, name) for name, value in stored.items()],
        value_info=[
            helper.make_tensor_value_info("computed", number, shape),
            helper.make_tensor_value_info("second", number, ["N", 16, *sizes.split()]),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def computed(content: bytes, file: Path) -> tuple[list[np.ndarray], int]:
    """Return what it computes, and how often the runtime leaves the blocked layout for that."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(file)
    options.log_severity_level = 4  # it warns that such a file is for this machine only
    session = onnxruntime.InferenceSession(content, options, providers=[CPU])
    random = np.random.default_rng(1)
    feeds = {
        x.name: random.standard_normal((2, x.shape[1], 7, 9)).astype(np.float32) for x in session.get_inputs()
    }
    left = [x.op_type for x in parse(file.read_bytes()).graph.node].count("ReorderOutput")
    return session.run(None, feeds), left


def test_sums_of_parts_stay_in_the_blocked_layout(tmp_path: Path) -> None:
    content = model()
    better = changed(content, blocked)
    onnx.checker.check_model(onnx.load_from_string(better), full_check=True)
    before, before_left = computed(content, tmp_path / "before.onnx")
    after, left = computed(better, tmp_path / "after.onnx")
    for x, y in zip(before, after, strict=True):
        np.testing.assert_array_equal(x, y)
    if before_left:  # a processor for which the runtime has such a layout
        assert left == before_left - 1


@pytest.mark.parametrize(
    "content",
    [model(""), model("size1 size3"), model("7 9"), model(convolution=False)],
    ids=["unknown sizes", "another size", "numbers", "no convolution"],
)
def test_all_others_are_left_as_they_are(content: bytes) -> None:
    assert changed(content, blocked) == changed(content)


def asking(*, order: str = "small first", small: int = 8, used: bool = False) -> bytes:
    """Return a file that asks for the sizes of what a convolution of 32 channels computes.

    Another has `small` channels and the same plane, and comes behind unless in this `order`.  `used`: the
    large one is an output too.
    """
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    plane = ["size1", "size2"]
    first = helper.make_node("Conv", ["x", "S"], ["small/raw"], pads=[1, 1, 1, 1])
    nodes = [
        helper.make_node("Relu", ["small/raw"], ["small"]),
        helper.make_node("Conv", ["x", "L"], ["large"], pads=[1, 1, 1, 1]),
        helper.make_node("Shape", ["large"], ["shape"]),
        helper.make_node("Conv", ["small", "E"], ["end"]),
        helper.make_node("Conv", ["large", "F"], ["rest"]),
    ]
    sizes = {"S": (small, 16, 3, 3), "L": (32, 16, 3, 3), "E": (16, small, 1, 1), "F": (16, 32, 1, 1)}
    values = {"small/raw": small, "small": small, "large": 32}
    names = ["shape", "end", "rest", *["large"] * used]
    graph = helper.make_graph(
        [first, *(nodes if order == "small first" else [*nodes[1:3], nodes[0], *nodes[3:]])],
        "asking",
        [helper.make_tensor_value_info("x", number, ["N", 16, *plane])],
        [helper.make_tensor_value_info("shape", onnx.TensorProto.INT64, [4])]
        + [helper.make_tensor_value_info(x, number, [None] * 4) for x in names[1:]],
        [
            onnx.numpy_helper.from_array(RANDOM.standard_normal(size).astype(np.float32), name)
            for name, size in sizes.items()
        ],
        value_info=[helper.make_tensor_value_info(x, number, ["N", c, *plane]) for x, c in values.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def test_sizes_are_those_of_a_smaller_tensor(tmp_path: Path) -> None:
    better = changed(asking(), blocked)
    onnx.checker.check_model(onnx.load_from_string(better), full_check=True)
    assert [x.input[0] for x in parse(better).graph.node if x.op_type == "Shape"] == ["small", "small"]
    found, _ = computed(better, tmp_path / "after.onnx")
    assert found[0].tolist() == [2, 32, 7, 9]
    for x, y in zip(computed(asking(), tmp_path / "before.onnx")[0], found, strict=True):
        assert x.shape == y.shape


@pytest.mark.parametrize("how", [{"order": "small last"}, {"small": 32}, {"used": True}])
def test_sizes_are_asked_as_before(how: dict[str, object]) -> None:
    content = asking(**how)
    assert changed(content, blocked) == changed(content)
