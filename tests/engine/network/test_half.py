"""A model rewritten for float16, computed as a GPU does: rounded behind each operation.

ONNX Runtime's CPU provider computes float16 operations in float32 and does not round between them, so that
rounding is written into the graph here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import engine
from engine.network import opening
from engine.network.contract import INPUTS, OUTPUTS, Metadata
from engine.network.graph import Graph
from engine.network.half import halved
from engine.network.model import DreamModel
from engine.network.targets import stripped
from tests.engine.conftest import TINY

onnx = pytest.importorskip("onnx")

ROOT = Path(__file__).parents[3]
EMBEDDED = ROOT / "engine" / "models" / "inception_v3_mixed5.onnx"
PHOTOGRAPHS = [ROOT / "examples" / "mountains.jpg", ROOT / "export" / "photographs" / "cat.jpg"]
FLOAT, HALF = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
TUTORIAL = {"mixed2": 0.2, "mixed3": 0.5, "mixed4": 2.0, "mixed5": 1.5}


def types(model) -> dict[str, int]:
    """Return the element type of each tensor; fails where operations and types do not fit."""
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    values = [*inferred.value_info, *inferred.input, *inferred.output]
    return {x.name: x.type.tensor_type.elem_type for x in values}


def rounded(content: bytes, *watched: str) -> bytes:
    """Return a float16 model in float32, each result rounded to float16; `watched` become outputs."""
    model = onnx.load_from_string(content)
    half = {name for name, type_ in types(model).items() if type_ == HALF}
    nodes = []
    for node in model.graph.node:
        results = half.intersection(node.output)
        node.output[:] = [f"{x}/exact" if x in results else x for x in node.output]
        if node.op_type == "Cast" and results:
            nodes.append(onnx.helper.make_node("Identity", node.input, node.output))
        else:
            nodes.append(node)
        for name in results:
            nodes.append(onnx.helper.make_node("Cast", [f"{name}/exact"], [f"{name}/rounded"], to=HALF))
            nodes.append(onnx.helper.make_node("Cast", [f"{name}/rounded"], [name], to=FLOAT))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    watched = tuple(half) if watched == ("half",) else watched
    model.graph.output.extend(onnx.helper.make_tensor_value_info(x, FLOAT, None) for x in watched)
    result: bytes = model.SerializeToString()
    return result


def opened(path: Path) -> tuple[DreamModel, DreamModel]:
    """Return a model as it is, and in half precision."""
    content = plain(path)
    both = (opening.open_session(x, "cpu", 2) for x in (content, rounded(halved(content))))
    full, half = (DreamModel(x, "test") for x in both)
    return full, half


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.ravel().astype(float), b.ravel().astype(float)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(3).uniform(-1, 1, (height, width, 3)).astype(np.float32)


def photograph(path: Path, side: int = 224) -> np.ndarray:
    pixels = np.asarray(Image.open(path).convert("RGB").resize((side, side * 3 // 4)))
    return (pixels / 127.5 - 1).astype(np.float32)


def plain(path: Path) -> bytes:
    """Return a model file without targets, as the engine opens it."""
    graph = Graph(path.read_bytes())
    return stripped(graph, Metadata.from_props(graph.props))


@pytest.fixture(scope="module")
def tiny_both() -> tuple[DreamModel, DreamModel]:
    return opened(TINY)


@pytest.mark.parametrize("path", [TINY, EMBEDDED])
def test_the_work_is_in_float16_and_what_needs_it_in_float32(path: Path) -> None:
    model = onnx.load_from_string(halved(plain(path)))
    found = types(model)
    assert {x.name for x in model.graph.input} == set(INPUTS)
    assert {found[x] for x in (*INPUTS, *OUTPUTS)} == {FLOAT}
    by_operation = {(x.op_type, found[x.output[0]]) for x in model.graph.node}
    assert {type_ for op, type_ in by_operation if op in {"Conv", "ConvTranspose", "MaxPool"}} == {HALF}
    assert {type_ for op, type_ in by_operation if op in {"ReduceSum", "ScatterElements"}} == {FLOAT}
    assert {found[x] for x in found if x.endswith(("/place", "/energies", "/weights"))} == {FLOAT}
    assert {x.key: x.value for x in model.metadata_props} == {
        x.key: x.value for x in onnx.load(path).metadata_props
    }


def test_kernels_are_restored_from_8_bit_in_float32() -> None:
    model = onnx.load_from_string(halved(plain(EMBEDDED)))
    found = types(model)
    readers = [x for x in model.graph.node if any(y.startswith(("factor_", "offset_")) for y in x.input)]
    assert len(readers) == 100
    assert {found[x.output[0]] for x in readers} == {FLOAT}


def test_close_to_float32_at_any_channel_weights(tiny_both) -> None:
    full, half = tiny_both
    image = noise(90, 121)
    for size in (1.0, 1e-3, 1000.0, -5.0):
        weights = (size * np.random.default_rng(4).uniform(0, 1, 10)).astype(np.float32)
        (loss, gradient), (exact_loss, exact) = half(image, weights), full(image, weights)
        assert loss == pytest.approx(exact_loss, rel=2e-3)
        assert np.abs(gradient).mean() == pytest.approx(np.abs(exact).mean(), rel=0.02)
        assert cosine(gradient, exact) > 0.99
    np.testing.assert_allclose(half.energies(image), full.energies(image), rtol=5e-3)


def test_no_weights_no_gradient(tiny_both) -> None:
    _, half = tiny_both
    loss, gradient = half(noise(40, 40), np.zeros(10, np.float32))
    assert loss == 0
    assert not gradient.any()


def test_several_images_are_scaled_alike(tiny_both) -> None:
    _, half = tiny_both
    images = np.stack([noise(40, 50), noise(40, 50)[::-1]])
    losses, gradients = half(images, np.ones(10, np.float32))
    for i in range(2):
        loss, gradient = half(images[i], np.ones(10, np.float32))
        assert losses[i] == pytest.approx(loss, rel=1e-6)
        np.testing.assert_allclose(gradients[i], gradient, atol=1e-3 * np.abs(gradient).max())


def test_wider_than_float16_can_count(tiny_both) -> None:
    """Places of maxima go up to twice the width; float16 is exact up to 2048 only."""
    full, half = tiny_both
    image = noise(24, 6000)
    weights = np.ones(10, np.float32)
    exact, gradient = full(image, weights)[1], half(image, weights)[1]
    for columns in np.split(np.arange(6000), 6):
        assert cosine(gradient[:, columns], exact[:, columns]) > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda x: x.stem)
def test_photographs(path: Path) -> None:
    full, half = opened(EMBEDDED)
    weights = full.channel_weights(TUTORIAL)
    image = photograph(path)
    loss, gradient, energies = half.evaluate(image, weights)
    exact_loss, exact, exact_energies = full.evaluate(image, weights)
    assert loss == pytest.approx(exact_loss, rel=1e-3)
    assert np.linalg.norm(energies - exact_energies) < 1e-3 * np.linalg.norm(exact_energies)
    assert np.abs(gradient).mean() == pytest.approx(np.abs(exact).mean(), rel=0.01)
    assert cosine(gradient, exact) > 0.99
    assert (gradient == 0).mean() <= (exact == 0).mean() + 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["mixed0", "mixed5"])
def test_photographs_leave_room_at_both_ends_of_float16(layer: str) -> None:
    content = rounded(halved(plain(EMBEDDED)), "half")
    watching = opening.open_session(content, "cpu", 2)
    weights = engine.load_model(EMBEDDED, device="cpu").channel_weights({layer: 1.0})
    feeds = {"image": photograph(PHOTOGRAPHS[1])[np.newaxis], "channel_weights": weights}
    names = [x for x in onnx.load_from_string(content).graph.output if x.name not in OUTPUTS]
    largest, medians = [], []
    for value in watching.run([x.name for x in names], feeds):
        sizes = np.abs(value[value != 0])
        if sizes.size:
            largest.append(sizes.max())
            medians.append(np.median(sizes))
    assert max(largest) < 65504 / 100
    assert min(medians) > 100 * 6e-5
