"""Places of maxima found with fewer operations: NumPy's first maximum of each window is the truth."""

from __future__ import annotations

from functools import partial

import numpy as np
import onnxruntime
import pytest

from engine.network.graph import changed, parse
from engine.network.maxima import counted
from engine.network.ort import CPU
from engine.network.planes import in_planes
from engine.network.relus import sooner
from tests.engine.conftest import EMBEDDED, TINY

onnx = pytest.importorskip("onnx")
RANDOM = np.random.default_rng(0)
CHANNELS = 5


def model(
    *,
    stride: int = 2,
    keep: str = "",
    swap: bool = False,
    turn: bool = False,
    beta: float = 0,
    early: bool = False,
) -> bytes:
    """Return a file that finds maxima as a model file does: `_places` in export/gradients.py.

    `keep` is a tensor on the way that is an output too; `swap` compares places in another order, `turn` has
    another kernel in one channel, `beta` is that of the comparisons.  With `early`, what takes a row stands
    before the last places are compared.
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
            helper.make_node(
                "HardSigmoid", [f"left{place}"], [f"passed{place}"], alpha=1e30, beta=float(beta)
            ),
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
    if early:
        names = ["maxima", *(f"negated{x}" for x in range(6)), *(f"left{x}" for x in range(6))]
        names += [f"passed{x}" for x in range(6)] + [f"further{x}" for x in range(1, 6)] + ["max", "row"]
        nodes.sort(key=lambda x: x.output[0] not in names)  # stable
        assert nodes.index(next(x for x in nodes if x.output[0] == "row")) < len(nodes) - 8
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


@pytest.mark.parametrize(("stride", "early"), [(1, False), (2, False), (2, True)])
def test_it_finds_the_first_maximum_of_each_window(stride: int, early: bool) -> None:
    better = changed(model(stride=stride, early=early), counted)
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


def stem(size: tuple[int, int], *, relu: str = "behind", pads: bool = False, keep: str = "") -> bytes:
    """Return a file with a convolution of a picture of one size, a max pool, a ReLU and where its maxima lie.

    The ReLU is `behind` the pool or "nowhere"; `keep` is a tensor on the way that is an output too.
    """
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    rest = onnx.load_from_string(model())
    names = {"x": "raw", "number": "number", "max": "max"}
    nodes = [helper.make_node("Conv", ["image", "kernel"], ["raw"], kernel_shape=[3, 3])]
    for node in rest.graph.node:
        if node.op_type != "Identity":
            node.input[:] = [names.get(x, x) for x in node.input]
            nodes.append(node)
        if node.op_type == "MaxPool" and pads:
            node.attribute.append(helper.make_attribute("pads", [0, 0, 0, 0]))
    nodes += [
        helper.make_node("Relu" if relu == "behind" else "Identity", ["max"], ["result"]),
        helper.make_node("Shape", ["raw"], ["shape"], start=3, end=4),
        helper.make_node("Cast", ["shape"], ["width"], to=number),
        helper.make_node("Sub", ["width", "three"], ["skipped"]),
        helper.make_node("Mul", ["row", "skipped"], ["below"]),
        helper.make_node("Add", ["sum7", "below"], ["place"]),
    ]
    stored = {
        "kernel": np.random.default_rng(1).standard_normal((CHANNELS, 3, 3, 3)).astype(np.float32),
        "three": np.array([3], np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "stem",
        [helper.make_tensor_value_info("image", number, [1, 3, *size])],
        [helper.make_tensor_value_info(x, number, [None] * 4) for x in ("result", "place", keep) if x],
        [*rest.graph.initializer, *(onnx.numpy_helper.from_array(x, name) for name, x in stored.items())],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


@pytest.mark.parametrize("size", [(9, 12), (12, 9), (5, 5), (40, 203)])
def test_in_a_picture_of_one_size_it_finds_how_far_they_lie(size: tuple[int, int]) -> None:
    content = stem(size)
    better = changed(content, sooner, partial(counted, sized=True))
    onnx.checker.check_model(onnx.load_from_string(better))
    kinds = [x.op_type for x in parse(better).graph.node]
    assert kinds.index("Relu") < kinds.index("MaxPool")
    image = RANDOM.standard_normal((1, 3, *size)).astype(np.float32)
    image[..., : size[1] // 2] = 0.5  # windows full of ties
    result, place = onnxruntime.InferenceSession(better, providers=[CPU]).run(None, {"image": image})
    session = onnxruntime.InferenceSession(stem(size, keep="raw"), providers=[CPU])
    same, before, raw = session.run(None, {"image": image})
    np.testing.assert_array_equal(result, same)
    number = first_maxima(raw, 2)
    distance = number + number // 3 * (raw.shape[3] - 3)
    assert (same > 0).any()
    np.testing.assert_array_equal(before, distance)
    np.testing.assert_array_equal(place[same > 0], distance[same > 0])
    planes = changed(better, in_planes)
    onnx.checker.check_model(onnx.load_from_string(planes))
    assert planes != better
    again = onnxruntime.InferenceSession(planes, providers=[CPU]).run(None, {"image": image})
    np.testing.assert_array_equal(again[0], result)
    np.testing.assert_array_equal(again[1], place)


@pytest.mark.parametrize(
    "how", [{"relu": "nowhere"}, {"pads": True}, {"keep": "raw"}, {"keep": "max"}], ids=str
)
def test_relus_move_only_where_nothing_else_sees_it(how: dict[str, object]) -> None:
    content = stem((9, 12), **how)
    assert changed(content, sooner) == changed(content)


@pytest.mark.parametrize("early", [False, True])
def test_places_are_the_same_from_planes(early: bool) -> None:
    better = changed(model(early=early), in_planes, counted)
    assert better == changed(model(early=early), in_planes)  # what counts knows places as they were
    better = changed(model(early=early), counted, in_planes)
    onnx.checker.check_model(onnx.load_from_string(better))
    session = onnxruntime.InferenceSession(better, providers=[CPU])
    for size in ((3, 3), (4, 9), (12, 7)):
        x = RANDOM.integers(-2, 2, (2, CHANNELS, *size)).astype(np.float32)
        number, row = session.run(["number", "row"], {"x": x})
        np.testing.assert_array_equal(number, first_maxima(x, 2))
        np.testing.assert_array_equal(row, first_maxima(x, 2) // 3)


@pytest.mark.parametrize("how", [{"stride": 1}, {"swap": True, "stride": 1}, {"turn": True}], ids=str)
def test_no_planes_for_other_strides_and_kernels(how: dict[str, object]) -> None:
    content = model(**how)
    assert changed(content, in_planes) == changed(content)


def test_no_planes_where_windows_begin_elsewhere() -> None:
    content = onnx.load_from_string(model())
    for node in content.graph.node:
        if node.output[0] == "negated3":
            node.attribute.append(onnx.helper.make_attribute("pads", [0, 0, 1, 1]))
    assert changed(content.SerializeToString(), in_planes) == changed(content.SerializeToString())


@pytest.mark.parametrize("keep", ["row", "below"])
def test_number_and_row_stay_where_something_else_takes_them(keep: str) -> None:
    content = stem((9, 12), keep=keep)
    better = changed(content, partial(counted, sized=True))
    assert better == changed(content, counted)


def test_all_pools_of_the_embedded_model_are_found() -> None:
    nodes = parse(changed(EMBEDDED.read_bytes(), counted)).graph.node
    assert sum(x.output[0].endswith("/found7") for x in nodes) == 3
    made: set[str] = set()
    for node in nodes:  # in an order in which they can be computed
        assert not made.intersection(x for x in node.output)
        made.update(node.output)
    seen: set[str] = set()
    for node in nodes:
        assert not (made - seen).intersection(node.input)
        seen.update(node.output)


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
