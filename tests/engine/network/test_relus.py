"""Masks that change nothing are left out, and no others: ONNX Runtime's results with them are the truth."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from engine.network.contract import Metadata, layer_targets
from engine.network.graph import Graph, changed, parse
from engine.network.ort import CPU
from engine.network.relus import unmasked
from tests.engine.conftest import EMBEDDED

onnx = pytest.importorskip("onnx")
RANDOM = np.random.default_rng(0)


def model(
    *,
    gradient: str = "own",
    alpha: float = 1e30,
    keep: bool = False,
    window: int = 1,
    swapped: bool = False,
    before: str = "Relu",
) -> bytes:
    """Return a file that masks a gradient where a ReLU's result is zero.

    The `gradient` is the result's `own`, or that and a sum with another, or only of the `square` of another.
    `keep`: the mask is an output too; `window` is that of a pool on the gradient's way; `before` is what
    stands in the ReLU's place.
    """
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    pads = [window // 2] * 4
    pool = {"pads": pads} if window > 1 else {}
    nodes = [
        helper.make_node(before, ["x"], ["y"]),
        helper.make_node("HardSigmoid", ["y"], ["mask"], alpha=alpha, beta=0.0),
        helper.make_node("Mul", ["inside", "y"], ["seen"]),
        helper.make_node("Mul", ["seen", "w"], ["weighted"]),
        helper.make_node("Identity", ["weighted"], ["passed"]),
        helper.make_node("AveragePool", ["passed"], ["own"], kernel_shape=[window] * 2, **pool),
        helper.make_node("Add", ["own", "other"], ["sum"]),
        helper.make_node("Mul", ["other", "other"], ["square"]),
        helper.make_node("Mul", ["mask", gradient] if swapped else [gradient, "mask"], ["masked"]),
    ]
    shape = ["N", 4, "h", "w"]
    outputs = ["masked", "sum", "square", *["mask"] * keep]
    graph = helper.make_graph(
        nodes,
        "masks",
        [helper.make_tensor_value_info(x, number, shape) for x in ("x", "other")]
        + [helper.make_tensor_value_info("inside", number, [1, 1, "h", "w"])],
        [helper.make_tensor_value_info(x, number, shape) for x in outputs],
        [onnx.numpy_helper.from_array(RANDOM.standard_normal((4, 1, 1)).astype(np.float32), "w")],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


@pytest.mark.parametrize("swapped", [False, True])
def test_a_multiple_of_what_a_relu_gives_needs_no_mask(swapped: bool) -> None:
    content = model(swapped=swapped)
    better = changed(content, unmasked)
    onnx.checker.check_model(onnx.load_from_string(better), full_check=True)
    assert "HardSigmoid" not in {x.op_type for x in parse(better).graph.node}
    feeds = {x: RANDOM.standard_normal((2, 4, 5, 6)).astype(np.float32) for x in ("x", "other")}
    feeds["inside"] = RANDOM.integers(0, 2, (1, 1, 5, 6)).astype(np.float32)
    before, after = (
        onnxruntime.InferenceSession(x, providers=[CPU]).run(None, feeds) for x in (content, better)
    )
    for x, y in zip(before, after, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    "how",
    [
        {"gradient": "sum"},
        {"gradient": "square"},
        {"alpha": 0.2},
        {"keep": True},
        {"window": 3},
        {"before": "Neg"},
    ],
    ids=str,
)
def test_all_other_masks_stay(how: dict[str, object]) -> None:
    content = model(**how)
    assert changed(content, unmasked) == changed(content)


def test_products_of_products_are_not_followed_without_end() -> None:
    helper = onnx.helper
    nodes = [helper.make_node("Mul", [f"p{x}", f"p{x}"], [f"p{x + 1}"]) for x in range(200)]
    nodes.append(helper.make_node("HardSigmoid", ["y"], ["mask"], alpha=1e30, beta=0.0))
    nodes.append(helper.make_node("Mul", ["p200", "mask"], ["masked"]))
    graph = helper.make_graph(nodes, "deep", [], [])
    content = helper.make_model(graph).SerializeToString()
    assert changed(content, unmasked) == changed(content)  # it would double with each


def test_unguided_the_embedded_models_deepest_layer_has_four_such_masks() -> None:
    def masks(content: bytes) -> int:
        return sum(x.op_type == "HardSigmoid" for x in parse(content).graph.node)

    graph = Graph(EMBEDDED.read_bytes())
    layers = Metadata.from_props(graph.props).layers
    assert masks(changed(graph.content, unmasked)) == masks(graph.content)  # targets pull elsewhere
    content = graph.without([layer_targets(x.name) for x in layers]).content
    assert masks(changed(content)) - masks(changed(content, unmasked)) == 4
