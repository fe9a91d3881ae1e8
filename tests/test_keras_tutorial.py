"""The engine beside a plain transcription of the Keras tutorial's loop, with TensorFlow's gradients."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

import engine

if TYPE_CHECKING:
    from export.reference import KerasReference

pytest.importorskip("tensorflow", reason="the other side of the comparison is TensorFlow ([export] extra)")

pytestmark = [pytest.mark.slow, pytest.mark.export]

ROOT = Path(__file__).parents[1]
ITERATIONS = 6
"""The tutorial has 20.  After so many, chaos has parted any two float32 programs by a fourth."""

LAYERS = {"mixed2": 0.2, "mixed3": 0.5, "mixed4": 2.0, "mixed5": 1.5}


def photograph() -> Image.Image:
    with Image.open(ROOT / "examples/temple.jpg") as file:
        return file.convert("RGB").resize((300, 201))


@cache
def keras_gradient() -> tuple[KerasReference, np.ndarray]:
    from export.architecture import inception_v3
    from export.cases import vector
    from export.reference import KerasReference
    from export.sources import load

    channels = inception_v3().until("mixed5").channels()
    weights = load(str(ROOT / "export/weights/inception_v3_imagenet_mixed5_uint8.npz"), inception_v3())
    return KerasReference(weights, channels), vector(channels, LAYERS)


def keras_loop(pixels: np.ndarray, max_loss: float) -> tuple[list[tuple[int, int]], list[list[float]]]:
    """Transcribe the tutorial: step 0.01, 3 octaves, scale 1.4; return shapes and losses."""
    gradient, channel_weights = keras_gradient()

    def resize(img: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        factors = (1, shape[0] / img.shape[1], shape[1] / img.shape[2], 1)
        return ndimage.zoom(img, factors, order=1)

    original_img = (pixels.astype(np.float32) / 127.5 - 1.0)[np.newaxis]
    original_shape = original_img.shape[1:3]
    successive_shapes = [tuple(int(dim / 1.4**i) for dim in original_shape) for i in (2, 1, 0)]
    shrunk_original_img = resize(original_img, successive_shapes[0])

    img, history = original_img, []
    for shape in successive_shapes:
        img = resize(img, shape)
        losses = []
        for _ in range(ITERATIONS):
            loss, grads, _ = gradient(img, channel_weights)
            losses.append(float(loss[0]))
            if loss[0] > max_loss:
                break
            img = img + 0.01 * grads / max(np.mean(np.abs(grads)), 1e-7)
        history.append(losses)
        upscaled_shrunk_original_img = resize(shrunk_original_img, shape)
        same_size_original = resize(original_img, shape)
        img = img + same_size_original - upscaled_shrunk_original_img
        shrunk_original_img = resize(original_img, shape)
    return successive_shapes, history


def dreamed(picture: Image.Image, max_loss: float | None) -> tuple[list[list[float]], list[tuple[int, int]]]:
    """Dream as the tutorial does; return each octave's losses, and the octaves' shapes."""
    settings = replace(engine.PRESETS["keras"], max_loss=max_loss, iterations=ITERATIONS)
    steps = list(engine.steps(picture, settings))
    shapes = list(dict.fromkeys(x.shape for x in steps))
    found: list[list[float]] = [[] for _ in shapes]
    for step in steps:
        found[step.octave - 1].append(step.loss)
    assert [x.stopped for x in steps] == [max_loss is not None and x.loss > max_loss for x in steps]
    return found, shapes


def test_same_octaves_same_losses() -> None:
    picture = photograph()
    shapes, expected = keras_loop(np.asarray(picture), math.inf)
    found, found_shapes = dreamed(picture, None)
    assert found_shapes == shapes
    np.testing.assert_allclose(found[0], expected[0], rtol=0.02)
    np.testing.assert_allclose(found, expected, rtol=0.15)  # 0.06 was seen on one processor


# In the second octave, and only in the third: both by losses that lie a tenth away from those around them.
@pytest.mark.parametrize("max_loss", [1.18, 2.07])
def test_same_stopping(max_loss: float) -> None:
    picture = photograph()
    _, expected = keras_loop(np.asarray(picture), max_loss)
    found, _ = dreamed(picture, max_loss)
    assert any(len(losses) < ITERATIONS for losses in expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert abs(len(ours) - len(theirs)) <= 1
        assert (ours[-1] > max_loss) == (theirs[-1] > max_loss)
        assert all(loss <= max_loss for loss in ours[:-1])
