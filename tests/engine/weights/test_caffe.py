"""Caffe's files: read as its own library would write them, and never trusted."""

from __future__ import annotations

import contextlib
import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import WeightsError
from engine.weights import caffe
from engine.weights.making import keep, made
from engine.weights.reading import open_weights
from engine.weights.templates import read_template
from tests.engine.weights.caffemodels import caffemodel, net
from tests.engine.weights.files import refusal

NETWORK = "bvlc_googlenet"
rng = np.random.default_rng(8)

LAYERS = {
    "data": (),
    "conv1/7x7_s2": (rng.normal(size=(7, 5, 3, 4)).astype("f4"), rng.normal(size=4).astype("f4")),
    "conv1/relu_7x7": (),
    "합성곱": (rng.normal(size=(1, 1, 4, 2)).astype("f4"), rng.normal(size=2).astype("f4")),
}


@pytest.mark.parametrize("old", [True, False])
def test_both_kinds_of_layers(tmp_path: Path, old: bool) -> None:
    file = tmp_path / "무게.caffemodel"
    file.write_bytes(caffemodel(LAYERS, old=old))
    with open_weights(file) as weights:
        assert weights.layers == ("conv1/7x7_s2", "합성곱")
        assert not weights.numbered
        assert weights.source.startswith("무게.caffemodel sha256:")
        for name in weights.layers:
            for variable, values in zip(("kernel", "bias"), LAYERS[name], strict=True):
                np.testing.assert_array_equal(weights.tensor(name, variable), values)
            assert weights.tensor(name, "gamma") is None
        assert weights.tensor("data", "kernel") is None


def test_a_file_that_breaks_off_anywhere(tmp_path: Path) -> None:
    """Whatever is read of it is what the whole file holds: a cut may fall between two layers."""
    content, file = caffemodel(LAYERS), tmp_path / "a.caffemodel"
    for end in [*range(12), *range(12, len(content), 41)]:
        file.write_bytes(content[:end])
        with contextlib.suppress(WeightsError), open_weights(file) as weights:
            for name in weights.layers:
                np.testing.assert_array_equal(weights.tensor(name, "kernel"), LAYERS[name][0])


@given(st.data())
def test_bytes_that_were_changed_or_made_up_do_no_more_than_be_refused(data: st.DataObject) -> None:
    content = bytearray(caffemodel({"a": (np.ones((1, 1, 2, 2), "f4"), np.ones(2, "f4"))}, old=False))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content += data.draw(st.binary(max_size=20))
    with contextlib.suppress(WeightsError):
        walked = caffe.caffe_weights(io.BytesIO(content), "a", len(content))
        for name in walked.layers:
            walked.tensor(name, "kernel")
            walked.tensor(name, "bias")


@pytest.mark.parametrize("shape", [(10**12, 10**6), (-1, 4), (1,) * 60, (2, 3), (), (2**62,) * 1000])
def test_a_shape_that_is_not_that_of_its_values(tmp_path: Path, shape: tuple[int, ...]) -> None:
    model = net()(name="x")
    blob = model.layer.add(name="a").blobs.add(data=np.ones(4))
    blob.shape.dim.extend(shape)
    (tmp_path / "a.caffemodel").write_bytes(model.SerializeToString())
    message = refusal(tmp_path / "a.caffemodel")
    assert "values" in message
    assert len(message) < 400


def test_a_file_of_nothing_but_names_costs_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is made of empty layers and blobs, and there is an end to walking through them."""
    model = net()(name="x")
    for _ in range(2_000):
        model.layer.add()
    layer = model.layer.add(name="a")
    for _ in range(2_000):
        layer.blobs.add()
    content = model.SerializeToString()
    tracemalloc.start()
    walked = caffe.caffe_weights(io.BytesIO(content), "a", len(content))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert walked.layers == ("a",)
    assert peak < 50_000
    monkeypatch.setattr(caffe, "MOST", 4_000)
    with pytest.raises(WeightsError, match="more fields than any network"):
        caffe.caffe_weights(io.BytesIO(content), "a", len(content))


@pytest.mark.parametrize(
    "content",
    [
        b"\n",
        b"\nA text that begins with an empty line.\n",
        b"\x12\x00" * 5,
        net()(name="only a name").SerializeToString(),
        b"\x12\x02\x08\x01",  # a layer with numbers only
        b"\xa2\x06\x04\x0a\x02\xff\xfe",  # a name that is no text
        b"\x0b" + b"\x0a" * 40,  # a group, which is no longer in use
        b"\x10\x01",  # a layer that is a number
        b"\xff" * 30,
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.caffemodel").write_bytes(content)
    refusal(tmp_path / "a.caffemodel")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = caffemodel(LAYERS)
    (tmp_path / "a.caffemodel").write_bytes(content)
    monkeypatch.setattr(caffe, "LARGEST", len(content) - 1)
    assert "too large" in refusal(tmp_path / "a.caffemodel")


def drawn(until: str) -> dict[str, tuple[np.ndarray, ...]]:
    """Draw weights for the network's convolutions, up to a block."""
    draw, shapes = np.random.default_rng(2), {}
    for tensor in read_template(NETWORK).instructions.tensors:
        _, layer, variable = tensor.steps[0]
        shapes.setdefault(layer, {})[variable] = tensor.shape
    names = list(shapes)
    found: dict[str, tuple[np.ndarray, ...]] = {"data": (), "relu": ()}
    for name in names[: names.index(until) + 1]:
        shape = shapes[name]["kernel"]
        kernel = draw.normal(0, np.sqrt(2 / np.prod(shape[:3])), shape).astype("f4")
        found[name] = kernel, draw.uniform(0, 0.2, shape[-1]).astype("f4")
    return found


@pytest.mark.slow
def test_a_caffemodel_becomes_a_model_that_dreams(tmp_path: Path) -> None:
    import engine

    file = tmp_path / "구글넷.caffemodel"
    file.write_bytes(caffemodel(drawn("inception_3b/pool_proj")))
    keep(made(NETWORK, file, "inception_3b/output"), tmp_path / "모델.onnx")
    picture = rng.integers(0, 255, (70, 61, 3), np.uint8)
    with engine.load_model(tmp_path / "모델.onnx", device="cpu") as model:
        assert model.metadata.border == 0
        assert "구글넷.caffemodel sha256:" in model.metadata.weights
        layers = {"inception_3b/output": 1.0}
        settings = {"preset": "keras", "layers": layers, "octaves": 2, "iterations": 2, "max_loss": None}
        dreamt = engine.dream(picture, model=model, **settings)
    assert (dreamt.pixels != picture).any()
    with pytest.raises(WeightsError, match="lack inception_4a/1x1/kernel") as caught:
        made(NETWORK, file)
    assert "--until" in caught.value.hint


@pytest.mark.slow
def test_a_kernel_of_another_shape_is_named(tmp_path: Path) -> None:
    layers = drawn("inception_3a/pool_proj")
    kernel, bias = layers["conv2/3x3"]
    layers["conv2/3x3"] = kernel[:, :, :-1], bias
    file = tmp_path / "a.caffemodel"
    file.write_bytes(caffemodel(layers, old=False))
    with pytest.raises(WeightsError, match=r"conv2/3x3/kernel has the shape \(3, 3, 63, 192\)"):
        made(NETWORK, file, "inception_3a/output")
