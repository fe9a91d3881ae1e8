"""The ascent, with gradients of two lines of NumPy."""

from __future__ import annotations

import tracemalloc
from collections import deque

import numpy as np
import pytest
from scipy import ndimage

from engine.ascent.ascent import climb
from engine.errors import DreamError, ImageError
from engine.pictures.pixels import ModelRows, to_model
from engine.settings.config import DreamConfig
from tests.engine.conftest import climbed


def picture(height: int = 20, width: int = 28) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (height, width, 3)).astype(np.float32)


def towards_light(image: np.ndarray) -> tuple[float, np.ndarray]:
    return float(image.sum()), np.ones_like(image)


def bowl(image: np.ndarray) -> tuple[float, np.ndarray]:
    return float((image**2).sum() / image.size), 2 * image


def keras(image: np.ndarray, gradient, config: DreamConfig) -> np.ndarray:
    """Keras' example, transcribed with its own names; nothing of the engine's."""

    def zoom(img, shape):
        factors = (shape[0] / img.shape[0], shape[1] / img.shape[1], 1)
        return ndimage.zoom(img, factors, order=1)

    shapes = [image.shape[:2]]
    for i in range(1, config.octaves):
        shapes.append(tuple(int(dim / (config.octave_scale**i)) for dim in image.shape[:2]))  # noqa: PERF401 - as Keras has it
    shapes = shapes[::-1]  # noqa: FURB187 - as Keras has it
    original_img, img = np.copy(image), np.copy(image)
    shrunk_original_img = zoom(image, shapes[0])
    for shape in shapes:
        img = zoom(img, shape)
        for _ in range(config.iterations):
            loss, grads = gradient(img)
            grads = grads / max(np.mean(np.abs(grads)), 1e-7)
            if config.max_loss is not None and loss > config.max_loss:
                break
            img = img + config.step_size * grads
        upscaled_shrunk_original_img = zoom(shrunk_original_img, shape)
        same_size_original = zoom(original_img, shape)
        img = img + (same_size_original - upscaled_shrunk_original_img)
        shrunk_original_img = zoom(original_img, shape)
    return img


@pytest.mark.parametrize("max_loss", [None, 0.45])
def test_dream_is_the_keras_loop(max_loss: float | None) -> None:
    config = DreamConfig(iterations=5, step_size=0.05, max_loss=max_loss)
    image = picture(31, 41)  # a size at which SciPy leaves no line empty, see octaves.resize
    steps = list(climbed(image, bowl, config))
    np.testing.assert_allclose(steps[-1].full_size(), keras(image, bowl, config), atol=1e-5)
    assert any(x.stopped for x in steps) == (max_loss is not None)


def test_a_step_moves_a_pixel_by_the_step_size_on_average() -> None:
    config = DreamConfig(octaves=1, iterations=1, step_size=0.03)
    (step,) = climbed(picture(), lambda x: (0.0, 1e-4 * np.abs(x)), config)
    assert np.abs(step.image - picture()).mean() == pytest.approx(0.03, rel=1e-4)


def test_a_step_is_the_normalised_gradient_in_every_band() -> None:
    image = picture(300, 400)
    raw = (picture(300, 400)[::-1] ** 3) * 1e-5
    new, _, mean, _ = climb(image, lambda _: (0.0, raw.copy()), DreamConfig(step_size=0.02))
    exact = raw.astype(np.float64)
    assert mean == pytest.approx(np.abs(exact).mean(), rel=1e-12)
    np.testing.assert_allclose(new, image + 0.02 * exact / np.abs(exact).mean(), rtol=1e-6, atol=1e-7)


def test_a_gradient_cannot_change_the_image() -> None:
    def careless(image: np.ndarray) -> tuple[float, np.ndarray]:
        image *= 2
        return 0.0, image

    with pytest.raises(ValueError, match="read-only"):
        next(climbed(picture(), careless, DreamConfig()))
    with pytest.raises(ValueError, match="read-only"):  # nor is the image taken for a new array
        next(climbed(picture(), lambda x: (0.0, x), DreamConfig()))


def test_nothing_is_clipped_on_the_way() -> None:
    *_, last = climbed(picture(), towards_light, DreamConfig(octaves=1, step_size=1.0, max_loss=None))
    assert last.image.min() > 15


def test_steps_count_from_one_to_the_whole() -> None:
    steps = list(climbed(picture(), bowl, DreamConfig(octaves=2, iterations=3)))
    assert [(x.octave, x.iteration) for x in steps] == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]
    assert [x.shape for x in steps[::3]] == [(14, 20), (20, 28)]
    fractions = [x.fraction for x in steps]
    assert fractions == sorted(fractions)
    assert fractions[2] == pytest.approx(14 * 20 / (14 * 20 + 20 * 28))
    assert fractions[-1] == 1


def test_max_loss_ends_the_octave_before_the_step() -> None:
    config = DreamConfig(octaves=2, max_loss=0.0)
    first, second = climbed(picture(), bowl, config)
    assert first.stopped
    assert second.stopped
    assert second.fraction == 1
    np.testing.assert_allclose(second.full_size(), picture(), atol=1e-6)


def test_a_step_once_yielded_never_changes() -> None:
    steps, copies = [], []
    source = picture()
    for step in climbed(source, towards_light, DreamConfig(iterations=2)):
        steps.append(step)
        copies.append(step.image.copy())
        source[:] = 0  # the caller may do with its array what it likes
        with pytest.raises(ValueError, match="read-only"):
            step.image[:] = 0
    assert all((step.image == copy).all() for step, copy in zip(steps, copies, strict=True))


def test_every_step_can_be_kept_at_full_size() -> None:
    config = DreamConfig(iterations=1, step_size=0.00001)
    smooth = ndimage.gaussian_filter(picture(60, 80), (4, 4, 0))
    for step in climbed(smooth, towards_light, config):
        full = step.full_size()
        assert full.shape == smooth.shape
        assert full.dtype == np.float32
        assert np.abs(full - smooth).mean() < 0.002  # almost no ascent: almost the original


def test_a_picture_may_come_as_rows_that_are_made_when_they_are_asked_for() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    config = DreamConfig(iterations=2)
    for rows, array in zip(
        climbed(ModelRows(pixels), bowl, config), climbed(to_model(pixels), bowl, config), strict=True
    ):
        np.testing.assert_array_equal(rows.image, array.image)
        np.testing.assert_array_equal(rows.full_size(), array.full_size())
        np.testing.assert_array_equal(rows.original[:], array.original[:])


@pytest.mark.slow
def test_memory_of_an_ascent() -> None:
    """Per pixel in float32: the image, its gradient, and the image of the Step before.

    That one is the caller's to keep; at the first step of the last octave it has 1 / scale² as many pixels,
    later it is the image itself.  All else is made band by band, for which one byte per pixel is enough.
    """
    pixels = np.zeros((2000, 3000, 3), np.uint8)
    array, config = 12, DreamConfig(octaves=3, octave_scale=1.4, iterations=2)
    steps = climbed(ModelRows(pixels), lambda x: (0.0, np.full(x.shape, 0.1, np.float32)), config)
    tracemalloc.start()
    try:
        last = deque(steps, 1).pop()  # which holds one while the next is made, as callers do
        for _rows, _band in last.bands():
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak / 6e6 < 2 * array + array / 1.4**2 + 1


def test_small_octaves_are_dropped_with_one_warning() -> None:
    steps = list(climbed(picture(), bowl, DreamConfig(octaves=4, iterations=2), min_size=12))
    assert {x.shape for x in steps} == {(14, 20), (20, 28)}
    assert [x.warnings for x in steps[1:]] == [()] * 3
    assert steps[0].octaves == 2
    assert "7x10, 10x14" in steps[0].warnings[0]


def test_a_picture_too_small_is_refused_with_the_smallest_size() -> None:
    with pytest.raises(ImageError, match=r"28x20 .* at least 21"):
        climbed(picture(), bowl, DreamConfig(), min_size=21)  # at the call, not at the first Step


def test_a_blind_gradient_is_told_once_an_octave() -> None:
    steps = list(climbed(picture(), lambda x: (0.0, np.zeros_like(x)), DreamConfig(octaves=2, iterations=3)))
    assert [len(x.warnings) for x in steps] == [1, 0, 0, 1, 0, 0]
    assert "14x20" in steps[0].warnings[0]
    np.testing.assert_allclose(steps[-1].full_size(), picture(), atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_what_is_not_finite_ends_the_dream(where: str, bad: float) -> None:
    def gradient(image: np.ndarray) -> tuple[float, np.ndarray]:
        slope = np.ones_like(image)
        slope[3, 4, 1] = bad if where == "gradient" else 1
        return (bad if where == "loss" else 0.0), slope

    with pytest.raises(DreamError, match="10x14") as caught:
        list(climbed(picture(), gradient, DreamConfig(max_loss=None)))
    assert "--step" in caught.value.hint


def test_closing_the_generator_stops_the_work() -> None:
    calls = []
    steps = climbed(picture(), lambda x: (calls.append(1), bowl(x))[1], DreamConfig())
    next(steps)
    steps.close()
    assert len(calls) == 1


def test_a_step_is_as_large_however_small_the_gradient() -> None:
    """The mean of one channel's gradient on a large picture is below 1e-7."""
    config = DreamConfig(step_size=0.05)
    image = picture()
    plain, *_ = climb(image, bowl, config)
    tiny, *_ = climb(image, lambda x: (0.0, bowl(x)[1] * np.float32(1e-9)), config)
    np.testing.assert_allclose(tiny, plain, atol=1e-6)
