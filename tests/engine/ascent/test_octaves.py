from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from engine.ascent.octaves import ladder, lost_detail, resize, restored
from engine.pictures.pixels import ModelRows, from_model, to_model
from engine.pictures.rows import bands, joined

SIDES = st.integers(1, 60)
SHAPES = st.tuples(SIDES, SIDES)


def picture(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(sum(shape)).uniform(-1, 1, (*shape, 3)).astype(np.float32)


@given(SHAPES, st.integers(1, 20), st.floats(1, 10), st.integers(1, 30))
def test_ladder_ends_at_the_picture_and_loses_no_octave_silently(shape, octaves, scale, min_size) -> None:
    rungs = ladder(shape, octaves, scale, min_size)
    every = rungs.dropped + rungs.shapes
    assert len(every) == octaves
    assert every[-1] == shape
    assert list(every) == sorted(every)
    assert all(min(x) >= min_size for x in rungs.shapes)
    assert all(min(x) < min_size for x in rungs.dropped)


def test_ladder_has_the_shapes_of_the_tutorial() -> None:
    assert ladder((299, 397), 3, 1.4).shapes == ((152, 202), (213, 283), (299, 397))


@settings(max_examples=40)
@given(SHAPES, SHAPES)
def test_resize_is_scipys_zoom_to_the_last_bit_but_for_its_lost_line(old, new) -> None:
    keras = ndimage.zoom(picture(old), (new[0] / old[0], new[1] / old[1], 1), order=1)
    resized = resize(picture(old), new)
    assert resized.dtype == np.float32
    assert_same_but_for_the_last_bit(resized[:-1, :-1], keras[:-1, :-1])
    lost = keras == 0  # the line that SciPy's rounding leaves empty at some sizes
    assert_same_but_for_the_last_bit(resized[~lost], keras[~lost])


@pytest.mark.parametrize("new", [(500, 700), (200, 310)])
def test_resize_is_scipys_zoom_in_every_band(new) -> None:
    old = (357, 500)
    assert len(list(bands(new))) > 3
    keras = ndimage.zoom(picture(old), (new[0] / old[0], new[1] / old[1], 1), order=1, mode="nearest")
    assert_same_but_for_the_last_bit(resize(picture(old), new), keras)


def assert_same_but_for_the_last_bit(resized: np.ndarray, expected: np.ndarray) -> None:
    """Both compute in float64 and round once: where that is close to a tie, one of them may round up."""
    np.testing.assert_allclose(resized, expected, rtol=np.finfo(np.float32).eps, atol=1e-12)


def test_resize_leaves_no_grey_line_at_the_border() -> None:
    white = np.ones((102, 48, 3), np.float32)
    assert ndimage.zoom(white, (143 / 102, 1, 1), order=1)[-1].max() == 0
    np.testing.assert_allclose(resize(white, (143, 47)), 1, rtol=1e-6)


@settings(max_examples=40)
@given(SHAPES, SHAPES)
def test_resize_keeps_corners_flat_areas_and_the_range(old, new) -> None:
    source, resized = picture(old), resize(picture(old), new)
    assert resized.min() >= source.min()
    assert resized.max() <= source.max()
    np.testing.assert_array_equal(resized[0, 0], source[0, 0])
    flat = np.full((*old, 3), 0.25, np.float32)
    np.testing.assert_allclose(resize(flat, new), 0.25, rtol=1e-6)


@settings(max_examples=40)
@given(SHAPES, SHAPES)
def test_lost_detail_gives_back_what_shrinking_took(large, small) -> None:
    original = picture(large)
    smaller = resize(original, small)
    np.testing.assert_allclose(
        resize(smaller, large) + lost_detail(original, smaller, large), original, atol=1e-5
    )


@pytest.mark.parametrize("shape", [(300, 200), (31, 47), (77, 20)])
def test_restored_is_the_sum_of_whole_pictures(shape) -> None:
    original, image, below = picture((300, 200)), picture((31, 47)), (20, 30)

    def zoomed(array: np.ndarray, new: tuple[int, int]) -> np.ndarray:
        factors = (new[0] / array.shape[0], new[1] / array.shape[1], 1)
        return ndimage.zoom(array.astype(np.float64), factors, order=1, mode="nearest")

    expected = zoomed(image, shape) + zoomed(original, shape) - zoomed(zoomed(original, below), shape)
    found = joined(restored(image, original, below, shape), (*shape, 3))
    np.testing.assert_allclose(found, expected, atol=1e-6)


@given(SHAPES)
def test_bands_cover_a_picture_once(shape) -> None:
    parts = [(rows, picture(shape)[rows]) for rows in bands(shape)]
    np.testing.assert_array_equal(joined(parts, (*shape, 3)), picture(shape))
    assert sum(len(band) for _, band in parts) == shape[0]


def test_a_band_is_at_least_a_row_and_small() -> None:
    assert list(bands((3, 10**6))) == [slice(0, 1), slice(1, 2), slice(2, 3)]
    assert all((x.stop - x.start) * 6000 <= 2**14 for x in bands((4000, 6000)))


@pytest.mark.parametrize("value_range", [(-1, 1), (0, 255), (-2.5, 3)])
def test_rows_in_the_models_range_are_the_picture_converted(value_range) -> None:
    eight_bit = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    real = np.random.default_rng(0).uniform(-0.5, 1.5, (9, 7, 3)).astype(np.float32)
    low, high = value_range
    for values, unit in ((eight_bit, eight_bit / 255), (real, real.clip(0, 1))):
        expected = unit.astype(np.float64) * (high - low) + low
        rows = ModelRows(values, value_range)
        assert rows.shape == (9, 7, 3)
        assert rows[:].dtype == np.float32
        np.testing.assert_allclose(rows[2:5], expected[2:5], rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(resize(rows, (5, 11)), resize(rows[:], (5, 11)))
        grey = ModelRows(values[..., :1], value_range)
        assert grey.shape == (9, 7, 3)
        np.testing.assert_array_equal(grey[1:3], np.repeat(rows[1:3][..., :1], 3, axis=2))


@given(st.floats(-10, 10), st.floats(0.01, 100))
def test_pixels_survive_the_way_to_any_range_and_back(low, span) -> None:
    values = np.arange(256, dtype=np.uint8)
    value_range = (low, low + span)
    np.testing.assert_array_equal(from_model(to_model(values, value_range), value_range), values)


def test_pixels_are_rounded_and_clipped() -> None:
    image = np.array([-3, -1, -1 + 1.4 / 127.5, -1 + 1.6 / 127.5, 1, 3], np.float32)
    np.testing.assert_array_equal(from_model(image), [0, 0, 1, 2, 255, 255])
