"""What the file tells engines that split it is true."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from engine.network import contract as metadata
from engine.network.contract import CHANNEL_WEIGHTS, GRADIENT, IMAGE, STEM, STEM_GRADIENT, Metadata, Stem
from engine.network.graph import Graph
from engine.network.split import SplitModel
from export.architecture import Architecture, inception_v3
from export.convert import convert
from export.errors import ConversionError
from export.parts import PROBES, spell_out_padding
from export.verify import relative_error
from export.weights import random_weights
from tests import tiny_model

from .tiny import CAFFE, TINY

NETWORKS = {
    "the export's": TINY,
    "the engine's": tiny_model.NETWORK,
    "Caffe's": CAFFE,
    "inception_v3": inception_v3().until("mixed3"),
}
SIZES = {
    "the export's": [(23, 23), (40, 41), (150, 129), (277, 64)],
    "the engine's": [(11, 11), (12, 30), (47, 68), (150, 129)],
    "Caffe's": [(15, 15), (16, 42), (119, 263), (520, 64)],
    "inception_v3": [(75, 75), (76, 101), (130, 83)],
}


@cache
def model(name: str) -> onnx.ModelProto:
    architecture = NETWORKS[name]
    return convert(architecture, random_weights("3", architecture))


@pytest.fixture(params=list(NETWORKS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def architecture(name: str) -> Architecture:
    return NETWORKS[name]


def described(name: str) -> Metadata:
    return Metadata.from_props({x.key: x.value for x in model(name).metadata_props})


def stem_of(name: str) -> Stem:
    found = described(name).stem
    assert found is not None
    return found


def feeds(name: str, count: int, height: int, width: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(height + width)
    return {
        IMAGE: random.uniform(-1, 1, (count, height, width, 3)).astype(np.float32),
        CHANNEL_WEIGHTS: random.uniform(0, 2, described(name).channels).astype(np.float32),
    }


def run(content: bytes, outputs: list[str], given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return dict(zip(outputs, session.run(outputs, given), strict=True))


@cache
def telling(name: str, *tensors: str) -> bytes:
    """Return the model with more outputs."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model(name))
    there = {x.name for x in changed.graph.output}
    changed.graph.output.extend(onnx.ValueInfoProto(name=x) for x in tensors if x not in there)
    content: bytes = changed.SerializeToString()
    return content


def test_named_sizes_are_true(name: str, architecture: Architecture) -> None:
    """At every remainder to the deepest stride."""
    sizes = {
        x.name: [d.dim_param or d.dim_value for d in x.type.tensor_type.shape.dim]
        for x in model(name).graph.value_info
    }
    session = onnxruntime.InferenceSession(telling(name, *sizes), providers=["CPUExecutionProvider"])
    stride = max(architecture.strides().values())
    smallest = max(architecture.min_size(architecture.border), 75 if name == "inception_v3" else 0)
    for i in range(stride):
        given = feeds(name, 1 + i % 2, smallest + i, smallest + 5 * i % stride)
        values: dict[str | int, int] = {}
        for dims, array in zip(sizes.values(), session.run(list(sizes), given), strict=True):
            assert array.ndim == len(dims) == 4
            assert isinstance(dims[1], int)
            for dim, length in zip(dims, array.shape, strict=True):
                assert length == (values.setdefault(dim, length) if isinstance(dim, str) else dim)


def test_every_convolution_of_the_picture_has_named_sizes(name: str) -> None:
    """Only then does ONNX Runtime stay in its blocked layout between them."""
    named = {x.name for x in model(name).graph.value_info}
    convolved = {x.output[0] for x in model(name).graph.node if x.op_type in ("Conv", "Relu", "HardSigmoid")}
    assert convolved <= named


def test_probes_have_every_remainder_to_the_stride_of_the_stem() -> None:
    stride = inception_v3().stem_field().stride
    for sides in zip(*PROBES, strict=True):
        assert {side % stride for side in sides} == set(range(stride))


@pytest.mark.parametrize(
    ("kernel", "stride", "op"), [([3, 3], 2, "Conv"), ([2, 2], 1, "AveragePool"), ([3, 4], 1, "Conv")]
)
def test_padding_that_depends_on_the_size_is_refused(kernel: list[int], stride: int, op: str) -> None:
    node = helper.make_node(
        op, ["x"], ["y"], kernel_shape=kernel, strides=[stride, stride], auto_pad="SAME_UPPER"
    )
    with pytest.raises(ConversionError, match="depends on the picture size"):
        spell_out_padding(helper.make_model(helper.make_graph([node], "padded", [], [])))


def test_the_stem_is_described(name: str, architecture: Architecture) -> None:
    stem, field = stem_of(name), architecture.stem_field()
    assert (stem.stride, stem.field) == (field.stride, field.size)
    assert (stem.before, stem.after) == (field.before, field.after)
    # Each max pool's places, the outputs of the convolutions that cost something, and the stem's own.
    kept = {"the export's": 2, "the engine's": 3, "Caffe's": 5, "inception_v3": 5}
    padded = {"the export's": 1, "the engine's": 2, "Caffe's": 2, "inception_v3": 1}
    assert len(stem.kept) == kept[name]
    assert STEM in stem.kept
    assert len(stem.padded_backward) == padded[name]
    # A pool that pads, and the eight convolutions that find its places.
    pools = 2 * 9 if name == "Caffe's" else 0
    assert len(stem.padded_forward) == padded[name] + pools


def test_before_is_no_more_than_the_stride(name: str) -> None:
    """Else tiles beside those at the edge would reach out of the picture."""
    stem = stem_of(name)
    assert stem.before <= stem.stride


def test_what_is_kept_suffices_for_the_gradient(name: str) -> None:
    kept = stem_of(name).kept
    inputs = {IMAGE: ("N", "H", "W", 3), STEM_GRADIENT: (None,) * 4} | dict.fromkeys(kept, (None,) * 4)
    shapes = {x: [d or f"{x} {i}" for i, d in enumerate(shape)] for x, shape in inputs.items()}
    back = Graph(model(name).SerializeToString()).part(shapes, [GRADIENT])
    for size in SIZES[name]:
        given = feeds(name, 2, *size)
        outputs = [GRADIENT, STEM_GRADIENT, *kept]
        whole = run(telling(name, STEM_GRADIENT, *kept), outputs, given)
        slope = whole.pop(GRADIENT)
        assert np.abs(slope).max() > 0
        (again,) = run(back, [GRADIENT], {IMAGE: given[IMAGE], **whole}).values()
        assert relative_error(again, slope) < 1e-6


def test_the_way_back_computes_little_again(name: str, architecture: Architecture, tmp_path: Path) -> None:
    """In a tile, whose size is known: convolutions of 1x1, and the first one, for the ReLUs behind them."""
    kept = stem_of(name).kept
    graph = Graph(model(name).SerializeToString())
    (height, width) = SIZES[name][-1]
    there = onnxruntime.InferenceSession(graph.part({IMAGE: (1, height, width, 3)}, kept))
    shapes = {x.name: x.shape for x in there.get_outputs()}
    inputs = {IMAGE: (1, height, width, 3), **shapes, STEM_GRADIENT: shapes[STEM]}
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "back.onnx")
    onnxruntime.InferenceSession(graph.part(inputs, [GRADIENT]), options)
    back = onnx.load(tmp_path / "back.onnx")
    found = [
        next(list(x.ints) for x in node.attribute if x.name == "kernel_shape")
        for node in back.graph.node
        if node.op_type in ("Conv", "ConvTranspose")
    ]
    own = [list(shape[:2]) for shape in Architecture("stem", architecture.stem, ()).kernel_shapes()]
    first = 0 if name == "Caffe's" else 1  # where no ReLU is directly behind it, it is not needed
    assert sum(x != [1, 1] for x in found) == sum(x != [1, 1] for x in own) + first
    assert not any(node.op_type == "MaxPool" for node in back.graph.node)


@pytest.mark.parametrize("threads", [1, 2])
def test_in_parts_it_computes_the_same(name: str, threads: int) -> None:
    content = model(name).SerializeToString()
    layers = [layer.name for layer in described(name).layers]
    parts = SplitModel(content, described(name), layers, threads)
    for size in SIZES[name]:
        given = feeds(name, 1, *size)
        whole = run(content, list(metadata.OUTPUTS), given)
        image, everything = given[IMAGE][0], (slice(0, size[0]), slice(0, size[1]))
        gradient = np.zeros_like(image)
        loss, energies = parts.add_gradient(gradient, image, given[CHANNEL_WEIGHTS], everything, everything)
        assert relative_error(gradient, whole[GRADIENT][0]) < 1e-5
        assert relative_error(energies, whole[metadata.ENERGIES][0]) < 1e-5
        assert loss == pytest.approx(float(whole[metadata.LOSS][0]), rel=1e-5)
