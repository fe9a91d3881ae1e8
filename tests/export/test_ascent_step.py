"""The graph of an ascent step against the same in NumPy."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from engine.ascent import ascent
from engine.settings.config import DreamConfig
from export.ascent_step import EPSILON, OUTPUT, build

rng = np.random.default_rng(5)


@pytest.fixture(scope="module")
def session() -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(build(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("size", [1e-3, 1e-6, 1e-9, 0.0])
def test_it_is_the_step_that_the_host_makes(session: onnxruntime.InferenceSession, size: float) -> None:
    image = rng.uniform(-1, 1, (700, 900, 3)).astype(np.float32)
    gradient = (size * rng.normal(size=image.shape) ** 3).astype(np.float32)
    feeds = {"image": image[np.newaxis], "gradient": gradient[np.newaxis], "step": np.array(0.02, np.float32)}
    following, mean = session.run(["next", "mean"], feeds)
    expected, _, mean_size, _ = ascent.climb(
        image, lambda _: (0.0, gradient.copy()), DreamConfig(step_size=0.02)
    )
    assert mean.shape == ()
    assert float(mean) == pytest.approx(mean_size, rel=1e-6)
    np.testing.assert_allclose(following[0], expected, rtol=1e-5, atol=1e-6)


def test_the_mean_of_a_large_picture_keeps_its_digits(session: onnxruntime.InferenceSession) -> None:
    """One sum over all of it would be off by 4 %; two, which add one number at a time, by less than 0.01 %.

    How many numbers a processor adds at once changes the last digits.
    """
    gradient = np.full((1, 4000, 3000, 3), 0.1, np.float32)
    feeds = {"image": gradient, "gradient": gradient, "step": np.array(0, np.float32)}
    assert float(session.run(["mean"], feeds)[0]) == pytest.approx(0.1, rel=2e-4)


def test_what_is_not_finite_shows_in_the_mean(session: onnxruntime.InferenceSession) -> None:
    image = np.zeros((1, 20, 20, 3), np.float32)
    for bad in (np.nan, np.inf):
        gradient = image.copy()
        gradient[0, 3, 4, 1] = bad
        feeds = {"image": image, "gradient": gradient, "step": np.array(0.01, np.float32)}
        assert not np.isfinite(session.run(["mean"], feeds)[0])


def test_the_committed_file_is_up_to_date() -> None:
    assert onnx.load(OUTPUT) == onnx.load_from_string(build())
    assert EPSILON == ascent.EPSILON
