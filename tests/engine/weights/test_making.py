"""From a weights file to a model that dreams, with the real template and weights as they come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from engine.errors import WeightsError
from engine.network.model import model_of
from engine.weights.making import keep, made
from engine.weights.templates import read_template
from tests.engine.weights.test_archives import OURS

if TYPE_CHECKING:
    from collections.abc import Mapping

NETWORK = "inception_v3"

pytestmark = pytest.mark.slow


def write_keras(file: Path, variables: Mapping[str, np.ndarray]) -> Path:
    """Write variables by `layer/variable` as Keras 2 does."""
    layers: dict[str, list[str]] = {}
    for name in variables:
        layers.setdefault(name.rpartition("/")[0], []).append(name)
    with h5py.File(file, "w") as root:
        root.attrs["layer_names"] = [x.encode() for x in layers]
        for layer, names in layers.items():
            group = root.create_group(layer)
            group.attrs["weight_names"] = [f"{x}:0".encode() for x in names]
            for name in names:
                group[f"{name}:0"] = variables[name]
    return file


def drawn(until: int, first: int = 0) -> dict[str, np.ndarray]:
    """Draw weights for the first convolutions of the network, its layers counted from `first` on."""
    draw, found = np.random.default_rng(1), {}
    tensors = read_template(NETWORK).instructions.tensors
    reads = [(step, tensor.shape) for tensor in tensors for step in tensor.steps if step[0] == "read"]
    shapes = {step[1]: shape for step, shape in reads if step[2] == "kernel"}
    for number in range(until):
        shape = shapes["conv2d" if number == 0 else f"conv2d_{number}"]
        ending = f"_{first + number}" if first + number else ""
        found[f"conv2d{ending}/kernel"] = draw.normal(0, np.sqrt(2 / np.prod(shape[:3])), shape).astype("f4")
        for variable, values in (
            ("beta", draw.normal(0, 0.1, shape[-1])),
            ("moving_mean", draw.normal(0, 0.1, shape[-1])),
            ("moving_variance", draw.uniform(0.8, 1.2, shape[-1])),
        ):
            found[f"batch_normalization{ending}/{variable}"] = values.astype("f4")
    return found


STEM_AND_MIXED0 = 12
"""Convolutions up to mixed0."""


@pytest.mark.parametrize("first", [0, 94])
def test_a_file_of_keras_becomes_a_model_that_dreams(tmp_path: Path, first: int) -> None:
    file = write_keras(tmp_path / "무게.h5", drawn(STEM_AND_MIXED0, first))
    keep(made(NETWORK, file, "mixed0"), tmp_path / "model.onnx")
    with model_of(
        (tmp_path / "model.onnx").read_bytes(), "made", device="cpu", threads=None, precision="full"
    ) as model:
        assert model.layer_names == ("mixed0",)
        assert model.metadata.weights.startswith("무게.h5 sha256:")
        image = np.zeros((96, 96, 3), np.float32)
        weights = model.channel_weights({"mixed0": 1.0})
        before, gradient = model(image, weights)
        after, _ = model(image + 0.05 * gradient / np.abs(gradient).mean(), weights)
        assert after > before


def test_our_own_weights_make_the_embedded_model(tmp_path: Path) -> None:
    """The same numbers, whatever the way: from 8 bits here, by the export there."""
    from engine.network.model import load_model

    image = np.random.default_rng(1).uniform(-1, 1, (96, 96, 3)).astype(np.float32)
    found = []
    ours = model_of(made(NETWORK, OURS, "mixed5"), "made", device="cpu", threads=None, precision="full")
    for model in (ours, load_model(device="cpu")):
        with model:
            found.append(model.evaluate(image, np.ones(model.metadata.channels, np.float32)))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    np.testing.assert_allclose(found[0][2], found[1][2], rtol=1e-3, atol=1e-6)
    off = np.linalg.norm(found[0][1] - found[1][1]) / np.linalg.norm(found[1][1])
    assert off < 1e-4


def test_what_is_missing_or_of_another_shape_is_named(tmp_path: Path) -> None:
    variables = drawn(STEM_AND_MIXED0)
    without = {name: x for name, x in variables.items() if name != "batch_normalization_3/moving_mean"}
    other = variables | {"conv2d_4/kernel": np.zeros((2, 2, 3, 3), np.float32)}
    bad = variables | {"conv2d_4/kernel": variables["conv2d_4/kernel"] * np.float32(np.nan)}
    for given, said in (
        (without, "batch_normalization_3/moving_mean"),
        (other, "conv2d_4/kernel"),
        (bad, "conv2d_4/kernel"),
    ):
        with pytest.raises(WeightsError, match=said) as refused:
            made(NETWORK, write_keras(tmp_path / "weights.h5", given), "mixed0")
        assert str(tmp_path / "weights.h5") in str(refused.value)
