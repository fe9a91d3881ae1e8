"""Places of maxima found with fewer operations: NumPy's first maximum of each window is the truth."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from engine.network.graph import changed, parse
from engine.network.maxima import counted
from engine.network.ort import CPU
from tests.engine.conftest import TINY

onnx = pytest.importorskip("onnx")
RANDOM = np.random.default_rng(0)
CHANNELS = 5


def model(
    *, stride: int = 2, keep: str = "", swap: bool = False, turn: bool = False, beta: float = 0
) -> bytes:
    """Return a file that finds maxima as a model file does: `_places` in export/gradients.py.

    `keep` is a tensor on the way that is an output too; `swap` compares places in another order, `turn` has
    another kernel in one channel, `beta` is that of the comparisons.
    """
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    own = {"group": CHANNELS}
    nodes = [
        helper.make_node("MaxPool", ["x"], ["max"], kernel_shape=[3, 3], strides=[stride, stride]),
        helper.make_node("Conv", ["max", "ones"], ["maxima"], kernel_shape=[1, 1], **own),
    ]
    stored = {"ones": np.ones((CHANNELS, 1, 1, 1), np.float32)}
    further: list[str] = []
    for place in range(8):
        kernel = np.zeros((CHANNELS, 1, 3, 3), np.float32)
        at = {0: 1, 1: 0}.get(place, place) if swap else place
        kernel[:, 0, at // 3, at % 3] = -1
        kernel[0] = np.roll(kernel[0], int(turn and place == 7))
        stored[f"kernel{place}"] = kernel
        nodes += [
            helper.make_node(
                "Conv", ["x", f"kernel{place}"], [f"negated{place}"], strides=[stride, stride], **own
            ),
            helper.make_node("Add", ["maxima", f"negated{place}"], [f"left{place}"]),
            helper.make_node("HardSigmoid", [f"left{place}"], [f"passed{place}"], alpha=1e30, beta=beta),
        ]
        if further:
            nodes.append(
                helper.make_node("Mul", [further[-1], f"passed{place}"], [f"further{place}"]),
            )
        further.append(f"further{place}" if further else "passed0")
    sums = [further[0]]
    for place in range(1, 8):
        sums.append(f"sum{place}")
        nodes.append(helper.make_node("Add", [sums[-2], further[place]], [sums[-1]]))
    nodes.append(helper.make_node("Add", [further[2], further[5]], ["row"]))
    nodes.append(helper.make_node("Identity", ["sum7"], ["number"]))
    shape = ["N", CHANNELS, "h", "w"]
    outputs = [helper.make_tensor_value_info(x, number, [None] * 4) for x in ("number", "row", keep) if x]
    graph = helper.make_graph(
        nodes,
        "maxima",
        [helper.make_tensor_value_info("x", number, shape)],
        outputs,
        [onnx.numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def first_maxima(x: np.ndarray, stride: int) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (2, 3))[:, :, ::stride, ::stride]
    return windows.reshape(*windows.shape[:4], 9).argmax(-1)


@pytest.mark.parametrize("stride", [1, 2])
def test_it_finds_the_first_maximum_of_each_window(stride: int) -> None:
    better = changed(model(stride=stride), counted)
    onnx.checker.check_model(onnx.load_from_string(better))
    assert "Mul" not in {x.op_type for x in parse(better).graph.node}
    session = onnxruntime.InferenceSession(better, providers=[CPU])
    for size in ((3, 3), (4, 9), (12, 7)):
        shape = (2, CHANNELS, *size)
        few = RANDOM.integers(-2, 2, shape).astype(np.float32)  # nearly all windows have ties
        for x in (few, RANDOM.standard_normal(shape).astype(np.float32), few * 1e20, few * 1e-20, 0 * few):
            number, row = session.run(["number", "row"], {"x": x})
            np.testing.assert_array_equal(number, first_maxima(x, stride))
            np.testing.assert_array_equal(row, first_maxima(x, stride) // 3)


@pytest.mark.parametrize(
    "how",
    [
        {"keep": "further4"},
        {"keep": "left3"},
        {"keep": "sum6"},
        {"swap": True},
        {"turn": True},
        {"beta": 0.5},
    ],
)
def test_all_others_are_left_as_they_are(how: dict[str, object]) -> None:
    content = model(**how)
    assert changed(content, counted) == changed(content)


def test_a_model_file_finds_the_same() -> None:
    content = TINY.read_bytes()
    better = changed(content, counted)
    assert better != changed(content)
    image = RANDOM.uniform(-1, 1, (1, 43, 38, 3)).astype(np.float32)
    image[:, :20] = 0.25
    feeds = {"image": image, "channel_weights": np.ones(10, np.float32)}
    before, after = (
        onnxruntime.InferenceSession(x, providers=[CPU]).run(["loss", "gradient"], feeds)
        for x in (content, better)
    )
    np.testing.assert_array_equal(after[1], before[1])
    assert after[0] == before[0]
