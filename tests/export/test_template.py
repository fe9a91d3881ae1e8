"""Templates, filled under Keras' names or in Keras' order, are the models that an export makes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import onnx
import pytest

from engine.weights.instructions import KEY
from engine.weights.names import match
from engine.weights.templates import read_template
from export.convert import convert
from export.reference import build, convolutions
from export.template import filled, make_template, pack
from export.verify import GRADIENT_BAR, ort_compute, relative_error
from export.weights import random_weights

from .tiny import TINY, truth

CHANNELS = sum(TINY.channels().values())
WEIGHTS = random_weights("2", TINY)
rng = np.random.default_rng(4)


@pytest.fixture(scope="module")
def template() -> bytes:
    return make_template(TINY)


@pytest.mark.parametrize("half", [False, True], ids=["float32", "float16"])
@pytest.mark.parametrize("until", [None, "mixed0"])
def test_filled_it_is_what_the_export_makes(template: bytes, until: str | None, half: bool) -> None:
    network = TINY.until(until or "mixed1")
    weights = WEIGHTS.fit(network)
    exported = convert(network, weights.halved() if half else weights)
    made = filled(template, TINY, WEIGHTS, until, half=half)
    image = rng.uniform(-1, 1, (2, 58, 43, 3)).astype(np.float32)
    channels = rng.normal(size=sum(network.channels().values())).astype(np.float32)
    ours, theirs = (ort_compute(x)(image, channels) for x in (made, exported.SerializeToString()))
    for name, found, wanted in zip(("loss", "gradient", "energies"), ours, theirs, strict=True):
        assert relative_error(found, wanted) < 1e-6, name
    props = [
        {x.key: x.value for x in model.metadata_props} for model in (onnx.load_from_string(made), exported)
    ]
    for entry in ("deepdream.weights", "deepdream.stem"):  # names of tensors in it may differ
        assert (entry in props[0]) == (entry in props[1])
    kept = [{k: x for k, x in prop.items() if k != "deepdream.stem"} for prop in props]
    assert kept[0] == kept[1]


def test_its_gradient_is_as_near_to_float64_as_tensorflows(template: bytes) -> None:
    compute, ratios = ort_compute(filled(template, TINY, WEIGHTS)), []
    for size in [(64, 47), (43, 58), (40, 41), (90, 77), (52, 53)]:
        image = rng.uniform(-1, 1, (1, *size, 3)).astype(np.float32)
        channels = np.ones(CHANNELS, np.float32)
        _, true, _ = truth(WEIGHTS, image, channels)
        _, theirs, _ = truth(WEIGHTS, image, channels, "float32")
        _, ours, _ = compute(image, channels)
        ratios.append(relative_error(ours, true) / relative_error(theirs, true))
    assert np.median(ratios) < GRADIENT_BAR


def test_it_holds_no_weights(template: bytes) -> None:
    model = onnx.load_from_string(template)
    assert KEY in {x.key for x in model.metadata_props}
    empty = [x for x in model.graph.initializer if x.name.startswith(("kernel_", "bias_"))]
    assert len(empty) == 2 * len(TINY.kernel_shapes())
    assert not any(x.raw_data or x.float_data for x in empty)
    assert pack(template) == pack(template)


def test_the_order_is_that_of_keras_files(tmp_path: Path) -> None:
    """Its files of version 3 count layers in an order of their own; newer ones have the names beside them."""
    h5py = pytest.importorskip("h5py")
    model = build()
    path = tmp_path / "x.weights.h5"
    model.save_weights(path)
    created = [(conv.name, norm.name) for conv, norm in convolutions(model)]
    with h5py.File(path) as file:
        names = {x: group["vars"].attrs.get("name") for x, group in file["layers"].items() if "vars" in group}
    numbered = {x: y for x, y in names.items() if y in dict(created) or y in dict(created).values()}
    if not numbered:
        pytest.skip(f"Keras {keras.__version__} writes no names")

    counted = SimpleNamespace(numbered=True, layers=tuple(numbered))
    found = match(read_template("inception_v3").instructions, counted)
    for number, pair in enumerate(created):
        suffix = f"_{number}" if number else ""
        for kind, true in zip(("conv2d", "batch_normalization"), pair, strict=True):
            assert names[found[kind + suffix]] == true
