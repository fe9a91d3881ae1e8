"""The model file that the engine's tests use is what its script makes, and computes what TensorFlow does."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from export.verify import ort_compute, relative_error
from tests import tiny_model
from tests.tiny_model import NETWORK, TINY

from .tiny import truth


@pytest.fixture(scope="module")
def built() -> bytes:
    return tiny_model.build()


def test_the_file_says_of_itself_what_a_new_one_does(built: bytes) -> None:
    new, committed = (
        {x.key: x.value for x in model.metadata_props}
        for model in (onnx.load_from_string(built), onnx.load(TINY))
    )
    # The versions of the programs may move on.
    del new["deepdream.exporter"], committed["deepdream.exporter"]
    assert new == committed
    assert TINY.stat().st_size < 50_000


@pytest.mark.parametrize("size", [(1, 11, 11), (2, 23, 18), (1, 40, 31)])
def test_the_file_computes_what_a_new_one_and_tensorflow_do(built: bytes, size: tuple[int, ...]) -> None:
    random = np.random.default_rng(1)
    image = random.uniform(-1, 1, (*size, 3)).astype(np.float32)
    weights = random.normal(size=10).astype(np.float32)
    committed = ort_compute(TINY.read_bytes())(image, weights)
    true = truth(tiny_model.weights(), image, weights, architecture=NETWORK)
    for ours, again, theirs in zip(committed, ort_compute(built)(image, weights), true, strict=True):
        assert relative_error(ours, again) < 1e-6
        assert relative_error(ours, theirs) < 1e-5
